import {
  LeaseLostError,
  MAX_STEPS_BYTES,
  StepLimitError,
  type ClaimedTask,
  type Clock,
  type DurableState,
  type StepRecord,
  type TaskEventRecord,
  type Timers,
} from "#engine";
import type { StepDoor } from "./door.ts";
import { persistently } from "./persistently.ts";

const TRIES = 6;

export interface StepBookParts {
  readonly task: ClaimedTask;
  readonly token: number;
  readonly door: StepDoor;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Ends the run with this, whatever its handler does. */
  readonly end: (reason: Error) => void;
}

interface Known {
  readonly steps: Map<number, StepRecord>;
  readonly events: TaskEventRecord[];
  readonly now: number;
}

/**
 * What is recorded of a task's steps: read once a run, when first asked for, and written step by step. If
 * the ledger is out of reach or the lease is lost the run ends, and whoever asked waits for ever.
 */
export class StepBook {
  readonly #parts: StepBookParts;
  #known: Promise<Known> | null = null;
  #bytes = 0;

  constructor(parts: StepBookParts) {
    this.#parts = parts;
  }

  async find(index: number): Promise<StepRecord | null> {
    return (await this.#read()).steps.get(index) ?? null;
  }

  /** Whether anything was recorded after a step. */
  async hasAfter(index: number): Promise<boolean> {
    return [...(await this.#read()).steps.keys()].some((other) => other > index);
  }

  /** Takes the first event of this name; null: none has come. To be recorded with its step. */
  async takeEvent(name: string): Promise<TaskEventRecord | null> {
    const { events } = await this.#read();
    const index = events.findIndex((event) => event.name === name);
    return index < 0 ? null : (events.splice(index, 1)[0] ?? null);
  }

  /** The ledger's time where it is ahead: what it woke the task for is due. */
  async now(): Promise<number> {
    return Math.max((await this.#read()).now, this.#parts.clock.now());
  }

  /** @throws StepLimitError when the steps of the task are too large by now */
  async record(step: StepRecord, eventSeq: number | null): Promise<void> {
    const { door, task, token, timers } = this.#parts;
    this.#bytes += JSON.stringify(step).length;
    if (this.#bytes > MAX_STEPS_BYTES) {
      throw new StepLimitError(`The steps of a task may have ${MAX_STEPS_BYTES} bytes in all.`);
    }
    (await this.#read()).steps.set(step.index, step);
    const call = () => door.recordStep(task.id, token, step, eventSeq);
    const isHeld = await persistently(timers, TRIES, call).catch(() => false);
    if (!isHeld) return this.#lost();
  }

  #read(): Promise<Known> {
    this.#known ??= this.#load();
    return this.#known;
  }

  async #load(): Promise<Known> {
    const { task, token, door, clock, timers } = this.#parts;
    if (task.isDurable !== true) return { steps: new Map(), events: [], now: clock.now() };
    const call = () => door.durable(task.id, token);
    const state: DurableState | null = await persistently(timers, TRIES, call).catch(() => null);
    if (state === null) return this.#lost();
    this.#bytes = state.steps.reduce((sum, step) => sum + JSON.stringify(step).length, 0);
    return {
      steps: new Map(state.steps.map((step) => [step.index, step])),
      events: [...state.events],
      now: state.now,
    };
  }

  #lost(): Promise<never> {
    this.#parts.end(new LeaseLostError());
    return new Promise<never>(() => undefined);
  }
}

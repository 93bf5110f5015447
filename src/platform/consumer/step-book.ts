import {
  MAX_STEPS,
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
import type { StepRecorder } from "./step-recorder.ts";
import { Turns, type KnownResult } from "./turns.ts";

const TRIES = 6;

export interface StepBookParts {
  readonly task: ClaimedTask;
  readonly token: number;
  readonly door: Pick<StepDoor, "durable">;
  readonly recorder: StepRecorder;
  readonly clock: Clock;
  readonly timers: Timers;
  /** The lease is lost, or the ledger out of reach: what the run comes to counts no more. */
  readonly lost: () => void;
  /** Where the handler of a run that is over stays. */
  readonly halt: () => Promise<never>;
}

/** What tells a step from the others of its task. */
export type StepId = Pick<StepRecord, "kind" | "name" | "nth">;

interface Known {
  /** By `idOf`. */
  readonly steps: Map<string, StepRecord>;
  readonly events: TaskEventRecord[];
  readonly now: number;
  /** The ends of sleeps that earlier runs went on from, by which sleep it was. */
  readonly slept: ReadonlyMap<number, number>;
  readonly turns: Turns;
}

/**
 * What is recorded of a task's steps and effects: read once a run, when first asked for, and written one by
 * one. If the ledger is out of reach or the lease is lost the run ends, and whoever asked is halted.
 */
export class StepBook {
  readonly #parts: StepBookParts;
  #known: Promise<Known> | null = null;
  #bytes = 0;
  #slept: { readonly nth: number; readonly place: number }[] = [];
  /** Where the next new step is kept. */
  #nextIndex = 0;

  constructor(parts: StepBookParts) {
    this.#parts = parts;
  }

  async find(step: StepId): Promise<StepRecord | null> {
    return (await this.#read()).steps.get(idOf(step)) ?? null;
  }

  /** Where a step is kept that was not recorded before. @throws StepLimitError when there are too many */
  async newIndex(): Promise<number> {
    await this.#read();
    if (this.#nextIndex >= MAX_STEPS) {
      throw new StepLimitError(`A task may have ${MAX_STEPS} steps at most.`);
    }
    this.#nextIndex += 1;
    return this.#nextIndex - 1;
  }

  /** The place that the end of a sleep has; null: no earlier run went on from it. */
  async endOfSleep(nth: number): Promise<number | null> {
    return (await this.#read()).slept.get(nth) ?? null;
  }

  async turns(): Promise<Turns> {
    return (await this.#read()).turns;
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

  /** A sleep is over, and the handler goes on from it: to be recorded with what comes next. */
  slept(nth: number, place: number): void {
    this.#slept.push({ nth, place });
  }

  /** What is to be recorded of waits: with the sleeps that were over before. */
  async withSleepsOf(waits: readonly StepRecord[]): Promise<StepRecord[]> {
    const { steps } = await this.#read();
    return waits.map((wait) => this.#withSleeps(wait, steps.get(idOf(wait))));
  }

  #withSleeps(step: StepRecord, before: StepRecord | undefined): StepRecord {
    const slept = [...(before?.slept ?? []), ...this.#slept.splice(0)];
    return slept.length === 0 ? step : { ...step, slept };
  }

  /** @throws StepLimitError when the steps of the task are too large by now */
  async record(given: StepRecord, eventSeq: number | null): Promise<void> {
    const { recorder, task, token, timers } = this.#parts;
    const { steps } = await this.#read();
    const before = steps.get(idOf(given));
    const step = this.#withSleeps(given, before);
    this.#bytes += sizeOf(step) - (before === undefined ? 0 : sizeOf(before));
    if (this.#bytes > MAX_STEPS_BYTES) {
      throw new StepLimitError(`The steps of a task may have ${MAX_STEPS_BYTES} bytes in all.`);
    }
    steps.set(idOf(step), step);
    const call = () => recorder.record({ taskId: task.id, token, step, eventSeq });
    const isHeld = await persistently(timers, TRIES, call).catch(() => false);
    if (!isHeld) return this.#lost();
  }

  #read(): Promise<Known> {
    this.#known ??= this.#load();
    return this.#known;
  }

  async #load(): Promise<Known> {
    const { task, token, door, clock, timers } = this.#parts;
    if (task.isDurable !== true) {
      const turns = new Turns(timers, []);
      return { steps: new Map(), events: [], now: clock.now(), slept: new Map(), turns };
    }
    const call = () => door.durable(task.id, token);
    const state: DurableState | null = await persistently(timers, TRIES, call).catch(() => null);
    if (state === null) return this.#lost();
    this.#bytes = state.steps.reduce((sum, step) => sum + sizeOf(step), 0);
    const { steps } = state;
    this.#nextIndex = steps.reduce((most, { index }) => Math.max(most, index), -1) + 1;
    const slept = new Map(
      steps.flatMap(({ slept: ends = [] }) => ends.map(({ nth, place }) => [nth, place] as const)),
    );
    const ended = steps.filter((step) => isFinal(step, steps, task.retries));
    const results: KnownResult[] = [
      ...ended.flatMap(({ place, kind, name }) =>
        place === null ? [] : { place, of: `${kind} '${name}'` },
      ),
      ...Array.from(slept.values(), (place) => ({ place, of: "a sleep" })),
    ];
    return {
      steps: new Map(steps.map((step) => [idOf(step), step])),
      events: [...state.events],
      now: state.now,
      slept,
      turns: new Turns(
        timers,
        results.toSorted((a, b) => a.place - b.place),
      ),
    };
  }

  /** A failed step stays failed in this retry of the task, and if its handler went on after it. */
  async isFinal(step: StepRecord): Promise<boolean> {
    return isFinal(step, (await this.#read()).steps.values(), this.#parts.task.retries);
  }

  #lost(): Promise<never> {
    this.#parts.lost();
    return this.#parts.halt();
  }
}

function isFinal(step: StepRecord, all: Iterable<StepRecord>, retries: number): boolean {
  const { state, place } = step;
  if (state !== "failed" || place === null) return state === "done";
  if (step.retries >= retries) return true;
  for (const other of all) if (other.begun > place) return true;
  return false;
}

function sizeOf(step: StepRecord): number {
  return JSON.stringify(step).length;
}

function idOf({ kind, name, nth }: StepId): string {
  return `${kind}\n${nth}\n${name}`;
}

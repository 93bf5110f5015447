import {
  InvalidOptionError,
  LeaseLostError,
  type ClaimedTask,
  type Clock,
  type ErrorInfo,
  type Timers,
} from "#engine";
import type { StepDoor } from "./door.ts";
import { DurableSteps } from "./durable-steps.ts";
import { Effects } from "./effects.ts";
import { StepBook } from "./step-book.ts";
import type { StepRecorder } from "./step-recorder.ts";
import { forever } from "./step-values.ts";
import { Waits } from "./waits.ts";

/** What the steps of all attempts of one consumer have in common. */
export interface StepParts {
  readonly ledger: Pick<StepDoor, "durable">;
  readonly recorder: StepRecorder;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly registry: { describe(task: ClaimedTask, thrown: unknown): ErrorInfo };
}

/** The attempt that they belong to. */
interface Running {
  readonly task: ClaimedTask;
  readonly token: number;
  readonly signal: AbortSignal;
  readonly isOver: boolean;
  leave(reason: Error): void;
}

/** What one attempt records on its way: its effects, and its durable steps. */
export class RunningSteps {
  readonly effects: Effects;
  readonly #durable: DurableSteps;
  readonly #isBatch: boolean;

  /** @param isBatch its handler has other calls too */
  constructor(running: Running, isBatch: boolean, parts: StepParts, lost: () => void) {
    const { ledger: door, recorder, clock, timers, registry } = parts;
    const { task, token } = running;
    const own = {
      ...{ task, token, door, recorder, clock, timers, lost },
      signal: () => running.signal,
      describe: (thrown: unknown) => registry.describe(task, thrown),
      end: (reason: Error) => {
        running.leave(reason);
      },
      isOver: () => running.isOver,
      // Others wait for what a batch handler comes to.
      halt: isBatch ? () => Promise.reject(reasonOf(running.signal)) : forever,
    };
    const book = new StepBook(own);
    const waits = new Waits(own, book);
    this.effects = new Effects(own, book, waits);
    this.#durable = new DurableSteps(own, book, waits);
    this.#isBatch = isBatch;
  }

  /** @throws InvalidOptionError for a task that runs in a batch */
  get durable(): DurableSteps {
    if (!this.#isBatch) return this.#durable;
    throw new InvalidOptionError("batch", "durable steps need a handler that takes one call.");
  }
}

function reasonOf({ reason }: AbortSignal): Error {
  return reason instanceof Error ? reason : new LeaseLostError();
}

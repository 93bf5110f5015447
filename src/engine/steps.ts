import { checkMaxRetries, checkSeconds, MAX_TIME_LIMIT_SECONDS } from "./checks.ts";
import type { ErrorInfo } from "./errors.ts";
import { InvalidOptionError, LovageError } from "./errors.ts";
import type { Outcome } from "./wire.ts";

/**
 * - `step`: a function whose result is kept.
 * - `sleep`: nothing but time.
 * - `event`: something that somebody else says.
 * - `once`: an effect, whose name tells it from all others.
 */
export type StepKind = "step" | "sleep" | "event" | "once";

/**
 * One durable step, or effect, of a task as the ledger keeps it. Its kind, its name and how many such its
 * handler came to before tell it from all others of the task. Times are epoch ms.
 */
export interface StepRecord {
  /** Where it is kept among the task's. */
  readonly index: number;
  readonly kind: StepKind;
  /** `sleep` for sleeps. */
  readonly name: string;
  /** 0 for the first of its kind and name. */
  readonly nth: number;
  /**
   * - `done`: it has a result, which every later run gets.
   * - `failed`: its tries are used up (or the event did not come in time); later runs get its error.
   * - `waiting`: for `until`: the end of a sleep, the next try, or an event's time-out.
   * - `started`: an effect that some attempt began, and that none is known to have ended.
   */
  readonly state: "done" | "failed" | "waiting" | "started";
  /** JSON text; null unless it is done. */
  readonly result: string | null;
  /** Of the last try that failed. */
  readonly error: ErrorInfo | null;
  readonly tries: number;
  /** Null: an event that is waited for without end, or nothing is waited for. */
  readonly until: number | null;
  /** The task's retries when it was recorded: a failed step is run anew by the task's next retry. */
  readonly retries: number;
  /** How many results its handler had got when it came to it: see Turns. */
  readonly begun: number;
  /** The place of its own result among them; null: it has none. */
  readonly place: number | null;
  /** Sleeps that were over before it (the nth of the task), and the places of their ends. */
  readonly slept?: readonly { readonly nth: number; readonly place: number }[];
  readonly startedAt: number;
  readonly finishedAt: number | null;
}

/** A step to be recorded for a running task. */
export interface StepEntry {
  readonly taskId: string;
  /** Of the lease that the task runs under. */
  readonly token: number;
  readonly step: StepRecord;
  /** The event that it got; null: none. */
  readonly eventSeq: number | null;
}

/** What readers see of a step: not its result. */
export type StepSummary = Omit<
  StepRecord,
  "result" | "retries" | "nth" | "begun" | "place" | "slept"
>;

/** An event that was delivered to a task and not taken yet. */
export interface TaskEventRecord {
  readonly seq: number;
  readonly name: string;
  /** JSON text. */
  readonly payload: string;
}

/** What became of an event: `exists`, this delivery was made before; or why it was not delivered. */
export type EventAnswer = "delivered" | "exists" | "too_many" | "ended";

/** What a run of a durable task begins with. */
export interface DurableState {
  readonly steps: readonly StepRecord[];
  readonly events: readonly TaskEventRecord[];
  /** The ledger's time, epoch ms: what was due by its clock is due. */
  readonly now: number;
}

/** How a step is tried again; seconds. */
export interface StepOptions {
  /** Tries after the first. Default 0: the step's error is the handler's. */
  readonly maxRetries?: number;
  /** Default 10. */
  readonly retryDelaySeconds?: number;
  /** Doubles the delay with every try, up to an hour. Default false. */
  readonly retryBackoff?: boolean;
  /** A try that takes longer fails with `TimeLimitExceeded`. Default: the task's limit alone. */
  readonly timeLimitSeconds?: number;
}

/** What a step's function is given. */
export interface StepContext {
  readonly signal: AbortSignal;
  /** 1 for the first try. */
  readonly attempt: number;
  /** The same for every try and every run of this step: for providers that know such keys. */
  readonly idempotencyKey: string;
}

/** JSON text of one step's result, and of one event's payload; bytes. */
export const MAX_STEP_BYTES = 256 * 1_024;
/** Of all steps and effects of a task. */
export const MAX_STEPS = 10_000;
export const MAX_STEPS_BYTES = 8 * 1_024 * 1_024;
/** Events that wait to be taken, and their JSON in bytes. */
export const MAX_EVENTS = 1_000;
export const MAX_EVENTS_BYTES = 1_024 * 1_024;
/** Steps that readers see and the history keeps: the newest. */
export const MAX_SHOWN_STEPS = 100;
const MAX_STEP_DELAY_SECONDS = 3_600;
/** A hundred years. */
const MAX_STEP_WAIT_SECONDS = 100 * 365 * 86_400;

/**
 * Before the step is run: a delay that is no time could not be kept, and no more could what is settled with it.
 * @throws InvalidOptionError naming the option
 */
export function checkStepOptions(options: StepOptions): void {
  const { maxRetries = 0, retryDelaySeconds = 0, timeLimitSeconds } = options;
  checkMaxRetries(maxRetries);
  if (checkSeconds("retryDelaySeconds", retryDelaySeconds) > MAX_STEP_WAIT_SECONDS) {
    throw new InvalidOptionError("retryDelaySeconds", "is more than a hundred years.");
  }
  if (timeLimitSeconds === undefined) return;
  if (checkSeconds("timeLimitSeconds", timeLimitSeconds) > MAX_TIME_LIMIT_SECONDS) {
    throw new InvalidOptionError("timeLimitSeconds", `is over ${MAX_TIME_LIMIT_SECONDS}.`);
  }
}

/** Milliseconds until the next try of a step. @param tries those that failed so far, from 1 */
export function stepDelayMs(options: StepOptions, tries: number): number {
  const first = options.retryDelaySeconds ?? 10;
  const factor = options.retryBackoff === true ? 2 ** Math.min(tries - 1, 30) : 1;
  return Math.round(Math.min(first * factor, Math.max(first, MAX_STEP_DELAY_SECONDS)) * 1_000);
}

/**
 * A replay did not come to a step again that the runs before it came to: the handler was changed while the
 * task was under way, or does not do the same every time. The task fails; what is done already can't be told
 * from what is not.
 */
export class StepOrderError extends LovageError {
  /** @param missing the step as readers know it */
  constructor(missing: string) {
    super(
      "step_order_changed",
      `Runs before this one came to ${missing} first: steps have to come in the same order in every run.`,
    );
  }
}

/** The event did not come in time. */
export class EventTimeoutError extends LovageError {
  constructor(name: string) {
    super("event_timeout", `The event '${name}' did not come in time.`, { field: name });
  }
}

/** What a step or an effect came to can't be kept: it is no JSON, too large, or one too many. */
export class StepLimitError extends LovageError {
  constructor(message: string) {
    super("step_limit", message);
  }
}

/** Ends a run whose task goes on later; never seen by handlers. */
export class Suspend extends Error {
  readonly outcome: Extract<Outcome, { kind: "suspend" }>;

  constructor(outcome: Extract<Outcome, { kind: "suspend" }>) {
    super("The task goes on later.");
    this.outcome = outcome;
  }
}

import type { Lovage } from "./client.ts";
import type { EffectContext } from "./effects.ts";
import type { Signature } from "./signature.ts";
import type { LogLevel } from "./reports.ts";
import type { StepContext, StepOptions } from "./steps.ts";

type Fields = Readonly<Record<string, unknown>>;

/**
 * Writes a line into the log of this attempt, shown with the task: `log("sent", { to })` (level info), or
 * `log.warn(…)`. At most 100 lines and 8 KiB of JSON are kept of an attempt. Never throws.
 */
export type TaskLog = ((message: string, fields?: Fields) => void) &
  Readonly<Record<LogLevel, (message: string, fields?: Fields) => void>>;

/** What a handler gets besides its params. One per attempt. */
export interface TaskContext<Services> {
  readonly taskId: string;
  readonly name: string;
  /** The trace that it belongs to: 32 hex digits, those of the request that set it off. */
  readonly traceId: string;
  /** 1 for the first attempt; lost attempts count too. */
  readonly attempt: number;
  /** Retries made so far: 0 on the first attempt. Losses don't count. */
  readonly retries: number;
  /** Null: retried for ever. */
  readonly maxRetries: number | null;
  /**
   * The slot that it was called for, by its schedule; null: none called it. A run that is late, made up for or
   * backfilled is for that time, and not for now.
   */
  readonly slot: Date | null;
  /**
   * Fires when the attempt should stop, with the reason: `SoftTimeLimitExceeded`, `TimeLimitExceeded`,
   * `TaskRevokedError` (terminated) or `LeaseLostError`.
   */
  readonly signal: AbortSignal;
  /** Calls other tasks. */
  readonly lovage: Lovage;
  readonly services: Services;
  /**
   * Ends this attempt and asks for another after `countdown` seconds, or at `eta` (default: after the task's
   * delay). `maxRetries` counts instead of the task's this time; null: for ever. When no retry is left the task fails with `cause`, or `MaxRetriesExceededError` without one.
   * Always throws (Celery's `self.retry()`).
   */
  retry(options?: {
    countdown?: number;
    eta?: Date;
    maxRetries?: number | null;
    cause?: unknown;
  }): never;
  /**
   * Makes the task what it calls: a canvas (or one task), as whose result and state its own end. Its id, its
   * place in its own canvas and its callbacks stay. Always throws (Celery's `self.replace()`).
   */
  replace(call: Signature): never;
  /**
   * Adds a member to the group that the task is in (the innermost), behind the others: with this attempt's
   * success, so that a retried one adds none twice (Celery's `self.add_to_chord()`).
   * @throws LovageError `no_group` when it is in none
   */
  addToGroup(call: Signature): void;
  /**
   * Tells readers how far the attempt is: its state is PROGRESS, with these details, until it ends or says
   * something else. Call it as often as you like: the newest is sent every 250 ms at most.
   * @throws InvalidOptionError for details over 16 KiB of JSON
   */
  progress(meta: { readonly current: number; readonly total: number } & Fields): void;
  /**
   * The same with a state of your own (Celery's `update_state`): capital letters and _, up to 40, and none
   * of Celery's own but PROGRESS.
   */
  updateState(state: string, meta?: Fields): void;
  readonly log: TaskLog;
  /**
   * Runs a durable step: its result is recorded, and every later run of the task (a retry, a resume, after
   * a crash) gets it without running it again. A step is known again by its name, the second
   * of a name is another one; the handler has to come to the recorded ones in every run. Don't wait in it. With retries of its own the task gives its
   * consumer up between the tries. Not in batch handlers.
   * @param fn gets a signal, the number of its try, and a key that is the same for all of them
   * @returns the result as JSON carries it (at most 256 KiB)
   * @throws what the last try threw
   */
  step<T>(
    name: string,
    fn: (step: StepContext) => T | Promise<T>,
    options?: StepOptions,
  ): Promise<T>;
  /**
   * Makes an effect whose result is remembered: once it is known, every later attempt of the task (a retry, a
   * resume, after a crash) gets it without making it again. An effect is known by its name alone, within its
   * task; a second call in an attempt gets the same promise. That it begins is recorded before `fn` runs: an
   * attempt that finds it begun and not ended runs it with `isRepeat`. So does the one after an `fn` that
   * threw: errors are not remembered, and there are no tries within the attempt. In batch handlers too. No
   * steps, sleeps and events in it: what doesn't run again doesn't come to them again. A replay is another task, with effects of its own.
   * @returns the result as JSON carries it (at most 256 KiB)
   * @throws what `fn` threw; in a batch handler also why this call was stopped
   */
  once<T>(name: string, fn: (effect: EffectContext) => T | Promise<T>): Promise<T>;
  /** Gives the consumer up and goes on after so many seconds, or then: up to years, and it costs nothing. */
  sleep(time: number | { readonly until: Date }): Promise<void>;
  /**
   * Gives the consumer up until somebody sends the event (`POST /api/tasks/{id}/events/{name}/`). One that
   * came before is taken at once; each is taken once, in the order of delivery.
   * @returns its payload
   * @throws EventTimeoutError when it has not come after `timeoutSeconds` (default: waits without end)
   */
  waitForEvent(name: string, options?: { readonly timeoutSeconds?: number }): Promise<unknown>;
}

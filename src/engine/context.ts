import type { Lovage } from "./client.ts";
import type { LogLevel } from "./reports.ts";

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
  /** 1 for the first attempt; lost attempts count too. */
  readonly attempt: number;
  /** Retries made so far: 0 on the first attempt. Losses don't count. */
  readonly retries: number;
  /** Null: retried for ever. */
  readonly maxRetries: number | null;
  /**
   * Fires when the attempt should stop, with the reason: `SoftTimeLimitExceeded`, `TimeLimitExceeded`,
   * `TaskRevokedError` (terminated) or `LeaseLostError`.
   */
  readonly signal: AbortSignal;
  /** Calls other tasks. */
  readonly lovage: Lovage;
  readonly services: Services;
  /**
   * Ends this attempt and asks for another after `countdown` seconds (default: the task's delay).
   * When no retry is left the task fails with `cause`, or `MaxRetriesExceededError` without one.
   * Always throws (Celery's `self.retry()`).
   */
  retry(options?: { countdown?: number; cause?: unknown }): never;
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
}

import type { Lovage } from "./client.ts";

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
}

import { checkMaxRetries, checkTimeLimits } from "./checks.ts";
import type { TaskDefinition } from "./definition.ts";
import { InvalidOptionError } from "./errors.ts";
import { labelsOf } from "./labels.ts";
import type { CallOptions } from "./signature.ts";
import type { RunOptions } from "./wire.ts";

/** Any delay is allowed, but a date must be one: 9999-12-31. */
const MAX_TIME_MS = 253_402_214_400_000;

/** The key of a call, checked. @throws InvalidOptionError */
export function checkKey(key: string | null): string | null {
  // Half a surrogate pair is another text in a table than in memory: its task would never be found.
  if (key !== null && !(key.isWellFormed() && /^[^\n\0]{1,200}$/.test(key))) {
    throw new InvalidOptionError("key", "must be 1 to 200 characters without a line break.");
  }
  return key;
}

/** The earliest start of a call, epoch ms; null: at once. A time in the past is at once. @throws InvalidOptionError */
export function dueTime({ countdown, eta }: CallOptions, now: number): number | null {
  if (countdown !== undefined && eta !== undefined) {
    throw new InvalidOptionError("countdown", "can't be given together with eta.");
  }
  const due =
    countdown !== undefined ? now + countdown * 1_000 : eta !== undefined ? eta.getTime() : now;
  if (!Number.isFinite(due) || due > MAX_TIME_MS || (countdown ?? 0) < 0) {
    throw new InvalidOptionError(
      countdown === undefined ? "eta" : "countdown",
      (countdown ?? 0) < 0 ? `${countdown} is below 0.` : "is no time up to the year 9999.",
    );
  }
  return due > now ? Math.round(due) : null;
}

/** When a call expires, epoch ms; null: never. @throws InvalidOptionError also when that is before its start */
export function expiryTime(
  { expires }: CallOptions,
  now: number,
  dueAt: number | null,
): number | null {
  if (expires === undefined) return null;
  const at = expires instanceof Date ? expires.getTime() : now + expires * 1_000;
  // Nor one that is long before all times: nobody could say when it was.
  if (!(Math.abs(at) <= MAX_TIME_MS)) {
    throw new InvalidOptionError("expires", "is no time up to the year 9999.");
  }
  if (dueAt !== null && at <= dueAt) {
    throw new InvalidOptionError("expires", "is before the task's earliest start.");
  }
  return Math.round(at);
}

/** The options of a call that travel with it. @throws InvalidOptionError naming the option */
export function runOptions(
  options: CallOptions,
  definition: Pick<
    TaskDefinition,
    "softTimeLimitSeconds" | "timeLimitSeconds" | "resultExpiresSeconds"
  >,
): RunOptions {
  refuseCallbackUrl(options);
  checkTimeLimits(
    options.softTimeLimit ?? definition.softTimeLimitSeconds,
    options.timeLimit ?? definition.timeLimitSeconds,
  );
  if (options.maxRetries !== undefined) checkMaxRetries(options.maxRetries);
  return {
    ...(options.maxRetries !== undefined && { max_retries: options.maxRetries }),
    ...(options.softTimeLimit !== undefined && { soft_time_limit: options.softTimeLimit }),
    ...(options.timeLimit !== undefined && { time_limit: options.timeLimit }),
    ...(options.ignoreResult !== undefined && { ignore_result: options.ignoreResult }),
    ...resultExpiry(options.resultExpires ?? definition.resultExpiresSeconds),
    ...(options.key !== undefined && { key: options.key }),
    ...(options.slot !== undefined && { slot: options.slot.toISOString() }),
    ...labelsOf(options),
  };
}

/** Who calls takes it out before: what still has one is part of something else. @throws InvalidOptionError */
export function refuseCallbackUrl({ callbackUrl }: CallOptions): void {
  if (callbackUrl === undefined) return;
  throw new InvalidOptionError(
    "callbackUrl",
    "is for what is called by itself: a task, or a canvas as a whole.",
  );
}

function resultExpiry(seconds: number | null): Pick<RunOptions, "result_expires"> {
  if (seconds === null) return {};
  // Not so large that the end of it is no time any more: the history could not keep the task.
  const most = MAX_TIME_MS / 1_000;
  if (!(seconds >= 0 && seconds <= most)) {
    throw new InvalidOptionError(
      "resultExpires",
      `${seconds} is not a number of seconds from 0 to ${most}.`,
    );
  }
  return { result_expires: seconds };
}

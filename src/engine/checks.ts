import { InvalidOptionError } from "./errors.ts";

/**
 * A task whose hard limit is at most this may be run by the invocation that accepted it: that may go on for 30 s after
 * its answer, and has to settle in them too.
 */
export const MAX_EXPRESS_SECONDS = 20;
/** A task may run for 14 minutes: a consumer is stopped after 15, and its settles need a moment. */
export const MAX_TIME_LIMIT_SECONDS = 840;
export const MAX_PRIORITY = 9;

/** Null, or an integer from 0 on. */
export function checkMaxRetries(maxRetries: number | null): number | null {
  return maxRetries === null ? null : checkInteger("maxRetries", maxRetries, 0, 1_000_000);
}

/** Hard limit at most MAX_TIME_LIMIT_SECONDS, soft limit at most the hard one. */
export function checkTimeLimits(soft: number | null, hard: number): void {
  checkSeconds("timeLimitSeconds", hard);
  if (hard > MAX_TIME_LIMIT_SECONDS) {
    throw new InvalidOptionError(
      "timeLimitSeconds",
      `${hard} is over ${MAX_TIME_LIMIT_SECONDS}: the platform stops a consumer after 15 minutes. Longer work is made of durable steps: ctx.step() records what is done, ctx.sleep() gives the consumer up, and the limit holds for each run.`,
    );
  }
  if (soft !== null && checkSeconds("softTimeLimitSeconds", soft) > hard) {
    throw new InvalidOptionError(
      "softTimeLimitSeconds",
      `${soft} is over the hard limit of ${hard}.`,
    );
  }
}

/** Returns the number if it is an integer from `min` to `max`; throws InvalidOptionError otherwise. */
export function checkInteger(field: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new InvalidOptionError(field, `${value} is not an integer from ${min} to ${max}.`);
  }
  return value;
}

export function checkSeconds(field: string, value: number): number {
  if (!Number.isFinite(value) || value < 0) {
    throw new InvalidOptionError(field, `${value} is not a number of seconds from 0 on.`);
  }
  return value;
}

/**
 * When a failed attempt is tried again. The rules are Celery's (`celery/utils/time.py`,
 * `celery/app/autoretry.py`): `max_retries` retries after the first attempt, null for ever; exponential
 * backoff `factor · 2^retries` seconds up to a maximum, with full jitter.
 */
export interface RetryPolicy {
  /** Retries after the first attempt; null retries for ever. */
  readonly maxRetries: number | null;
  /** Delay where neither a countdown nor a backoff says otherwise. */
  readonly defaultRetryDelaySeconds: number;
  /** Factor of the exponential backoff in seconds; null uses the default delay. */
  readonly retryBackoffSeconds: number | null;
  readonly retryBackoffMaxSeconds: number;
  /** Full jitter: any delay from 0 to the computed one. */
  readonly retryJitter: boolean;
}

/** True while another attempt is allowed. `retries` counts those already made. */
export function hasRetryLeft(policy: Pick<RetryPolicy, "maxRetries">, retries: number): boolean {
  return policy.maxRetries === null || retries < policy.maxRetries;
}

/**
 * Delay before an automatic retry, in ms.
 * @param retries retries already made: 0 after the first attempt
 * @param random a number in [0, 1)
 */
export function retryDelayMs(policy: RetryPolicy, retries: number, random: number): number {
  if (policy.retryBackoffSeconds === null) return policy.defaultRetryDelaySeconds * 1_000;
  // 2^40 s is beyond any maximum; the cap keeps the power finite for tasks that retry for ever.
  const full = policy.retryBackoffSeconds * 2 ** Math.min(retries, 40);
  const capped = Math.min(full, policy.retryBackoffMaxSeconds);
  return Math.round((policy.retryJitter ? capped * random : capped) * 1_000);
}

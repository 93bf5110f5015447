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

/** A provider that asks for more is not listened to any longer. */
const MAX_RETRY_AFTER_SECONDS = 86_400;

/**
 * Seconds that an answer's Retry-After header asks to wait (RFC 9110 §10.2.3: seconds or a date); null
 * without one, or if it makes no sense.
 */
export function retryAfterSeconds(
  headers: { get(name: string): string | null },
  nowMs: number,
): number | null {
  const text = headers.get("Retry-After")?.trim() ?? "";
  if (/^\d{1,9}$/.test(text)) return Number(text);
  // An HTTP date has letters; Date.parse would take many a text for a date.
  if (!/^[A-Za-z]{3,9},? \d/.test(text)) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, (at - nowMs) / 1_000);
}

/** Milliseconds that an error asks to wait at least; null: it asks for nothing. */
export function askedDelayMs(thrown: unknown): number | null {
  const seconds = (thrown as { retryAfterSeconds?: unknown } | null | undefined)?.retryAfterSeconds;
  if (typeof seconds !== "number" || !(seconds >= 0)) return null;
  return Math.min(seconds, MAX_RETRY_AFTER_SECONDS) * 1_000;
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

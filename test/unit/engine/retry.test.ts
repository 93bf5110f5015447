import { assert, double, integer, property, record } from "fast-check";
import { expect, it } from "vitest";
import { hasRetryLeft, retryDelayMs, type RetryPolicy, retryAfterSeconds } from "#engine";

const policy = (over: Partial<RetryPolicy> = {}): RetryPolicy => ({
  maxRetries: 3,
  defaultRetryDelaySeconds: 180,
  retryBackoffSeconds: 1,
  retryBackoffMaxSeconds: 600,
  retryJitter: false,
  ...over,
});

// celery/t/unit/utils/test_time.py, test_get_exponential_backoff_interval: (factor, retries, maximum).
it.each([
  [4, 3, 100, 32],
  [1, 0, 600, 1],
  [1, 4, 600, 16],
  [10, 2, 600, 40],
  [40, 4, 300, 300],
  [5, 60, 600, 600],
])("factor %d after %d retries, at most %d: %d seconds", (factor, retries, maximum, seconds) => {
  const { retryBackoffSeconds, retryBackoffMaxSeconds } = {
    retryBackoffSeconds: factor,
    retryBackoffMaxSeconds: maximum,
  };
  const delay = retryDelayMs(policy({ retryBackoffSeconds, retryBackoffMaxSeconds }), retries, 0.9);
  expect(delay).toBe(seconds * 1_000);
});

it("full jitter takes any delay from none to the whole, and never more than the maximum", () => {
  assert(
    property(
      record({ retries: integer({ min: 0, max: 1_000 }), factor: integer({ min: 1, max: 1_000 }) }),
      double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      ({ retries, factor }, random) => {
        const given = policy({ retryBackoffSeconds: factor });
        const whole = retryDelayMs(given, retries, 0);
        const jittered = retryDelayMs({ ...given, retryJitter: true }, retries, random);
        expect(jittered).toBe(Math.round(whole * random));
        expect(whole).toBeLessThanOrEqual(600_000);
      },
    ),
  );
});

it("without a backoff the delay is the default, jitter or not", () => {
  const given = policy({ retryBackoffSeconds: null, retryJitter: true });
  expect(retryDelayMs(given, 5, 0.1)).toBe(180_000);
});

it("max_retries counts the retries, not the attempts; null never ends", () => {
  const left = (maxRetries: number | null) =>
    [0, 1, 2, 3, 1_000_000].map((retries) => hasRetryLeft({ maxRetries }, retries));
  expect(left(0)).toEqual([false, false, false, false, false]);
  expect(left(2)).toEqual([true, true, false, false, false]);
  expect(left(null)).toEqual([true, true, true, true, true]);
});

it.each([
  ["120", 120],
  ["0", 0],
  [" 5 ", 5],
  ["Fri, 15 Jan 2027 08:01:00 GMT", 60],
  ["Fri, 15 Jan 2027 07:00:00 GMT", 0],
  ["Friday, 15-Jan-27 08:01:00 GMT", 60],
  ["Fri Jan 15 08:01:00 2027", 60],
  ["Sunday, 06-Nov-94 08:49:37 GMT", 0],
  ["99999999999", 99_999_999_999],
  ["soon", null],
  ["busy 5", null],
  ["Retry 5", null],
  ["Fri, 15 Jan 2027 25:01:00 GMT", null],
  ["Fri, 15 Jan 2027 08:01:00 CET", null],
  ["-5", null],
  ["1.5", null],
  ["2027", 2_027],
  ["1e3", null],
  ["", null],
])("Retry-After '%s' asks to wait %s seconds", (text, seconds) => {
  const now = Date.UTC(2027, 0, 15, 8, 0, 0);
  expect(retryAfterSeconds(new Headers({ "Retry-After": text }), now)).toBe(seconds);
});

it("a two-digit year is one of the fifty ahead, else of the past", () => {
  const now = Date.UTC(2027, 0, 15);
  const seconds = (year: string) =>
    retryAfterSeconds(new Headers({ "Retry-After": `Friday, 15-Jan-${year} 00:00:00 GMT` }), now);
  expect(seconds("77")).toBe((Date.UTC(2077, 0, 15) - now) / 1_000);
  expect(seconds("78")).toBe(0);
});

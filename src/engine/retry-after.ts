/** A provider that asks for more is not listened to any longer. */
const MAX_RETRY_AFTER_SECONDS = 86_400;

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const TIME = String.raw`(?<hour>\d{2}):(?<minute>\d{2}):(?<second>\d{2})`;
const MONTH = `(?<month>${MONTHS.join("|")})`;

/** The three forms of an HTTP date (RFC 9110 §5.6.7): the usual one, RFC 850's and asctime's. */
const HTTP_DATES = [
  new RegExp(String.raw`^[A-Z][a-z]{2}, (?<day>\d{2}) ${MONTH} (?<year>\d{4}) ${TIME} GMT$`),
  new RegExp(String.raw`^[A-Z][a-z]{5,8}, (?<day>\d{2})-${MONTH}-(?<year>\d{2}) ${TIME} GMT$`),
  new RegExp(String.raw`^[A-Z][a-z]{2} ${MONTH} (?<day>[ \d]\d) ${TIME} (?<year>\d{4})$`),
];

/**
 * Seconds that an answer's Retry-After header asks to wait (RFC 9110 §10.2.3: seconds or a date, 0 for one
 * that has passed); null without one, or if it makes no sense.
 */
export function retryAfterSeconds(
  headers: { get(name: string): string | null },
  nowMs: number,
): number | null {
  const text = headers.get("Retry-After")?.trim() ?? "";
  if (/^\d+$/.test(text)) return Number(text);
  const at = httpDate(text, nowMs);
  return at === null ? null : Math.max(0, (at - nowMs) / 1_000);
}

/** Milliseconds that an error asks to wait at least; null: it asks for nothing. */
export function askedDelayMs(thrown: unknown): number | null {
  const seconds = (thrown as { retryAfterSeconds?: unknown } | null | undefined)?.retryAfterSeconds;
  if (typeof seconds !== "number" || !(seconds >= 0)) return null;
  return Math.min(seconds, MAX_RETRY_AFTER_SECONDS) * 1_000;
}

/** Epoch ms. Not by Date.parse, which takes "busy 5" for a day in May 2001. */
function httpDate(text: string, nowMs: number): number | null {
  const found = HTTP_DATES.map((form) => form.exec(text)?.groups).find((groups) => groups);
  if (found === undefined) return null;
  const part = (name: string) => Number(found[name]);
  const month = MONTHS.indexOf(found["month"] ?? "");
  const [day, hour, minute, second] = [part("day"), part("hour"), part("minute"), part("second")];
  if (day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) return null;
  const at = (year: number) => Date.UTC(year, month, day, hour, minute, second);
  const year = part("year");
  if (found["year"]?.length === 4) return at(year);
  // Two digits: of the years up to fifty ahead.
  const latest = new Date(nowMs).getUTCFullYear() + 50;
  return at(latest - ((((latest - year) % 100) + 100) % 100));
}

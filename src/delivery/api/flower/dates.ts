import { FlowerRefusal } from "./refusals.ts";

/** `2026-11-21 08:00` in UTC; epoch ms. @throws FlowerRefusal 400 */
export function minuteOf(text: string | null, name: string): number | undefined {
  if (text === null) return undefined;
  const match = /^(\d{4})-(\d\d?)-(\d\d?) (\d\d?):(\d\d?)$/.exec(text);
  const at = match === null ? null : instantOf(match.slice(1).map(Number));
  if (at === null) throw new FlowerRefusal(400, `Invalid argument ${name}`);
  return at;
}

/** `2026-11-21 08:00:00.000000` in UTC; null: it is none. */
export function momentOf(text: string): Date | null {
  const match = /^(\d{4})-(\d\d?)-(\d\d?) (\d\d?):(\d\d?):(\d\d?)\.(\d{1,6})$/.exec(text);
  if (match === null) return null;
  const at = instantOf(match.slice(1, 7).map(Number));
  const millis = Math.floor(Number((match[7] ?? "").padEnd(6, "0")) / 1_000);
  return at === null ? null : new Date(at + millis);
}

/** Null for the thirtieth of February and the like. */
function instantOf([year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0]: number[]) {
  const at = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  const isReal = at.getUTCMonth() === month - 1 && at.getUTCDate() === day && hour < 24;
  return isReal && minute < 60 && second < 60 ? at.getTime() : null;
}

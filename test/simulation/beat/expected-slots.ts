import { getPosition, getTimes } from "suncalc";
import type { ScheduleSettings, Timing } from "#engine";

/*
 * The slots that a schedule has, found by looking at every minute: nothing is computed forward, and no code is
 * shared with src/engine/schedules.
 */

const MINUTE = 60_000;
const DAY = 86_400_000;
const QUARTER = 15 * MINUTE;
/** A slot that is later than this was missed. */
const ON_TIME_MS = 60_000;
/** Of one schedule at a time. */
const MAX_AT_ONCE = 100;
const PERIODS = { seconds: 1_000, minutes: MINUTE, hours: 60 * MINUTE, days: DAY };
const SUN = { sunrise: "sunrise", sunset: "sunset", solar_noon: "solarNoon" } as const;

/** What a schedule is to submit at a time. */
export function expectedRuns(
  { timing, missed, oneOff, startTime, expires }: ScheduleSettings,
  dealtUntil: number,
  now: number,
): number[] {
  const after = Math.max(dealtUntil, (startTime ?? -Infinity) - 1);
  const until = Math.min(now, expires ?? Infinity);
  const onTime = allSlots(timing, Math.max(after, now - ON_TIME_MS), until).slice(0, MAX_AT_ONCE);
  const lateUntil = Math.min(now - ON_TIME_MS, until);
  let count = 0;
  if (missed.policy === "all") count = Math.min(missed.limit, MAX_AT_ONCE);
  else if (missed.policy === "once" && onTime.length === 0) count = 1;
  const late = lateUntil > after ? newest(timing, after, lateUntil, count) : [];
  const slots = [...late, ...onTime];
  return oneOff ? slots.slice(-1) : slots;
}

/** `after` not included, `until` included; oldest first. */
export function allSlots(timing: Timing, after: number, until: number): number[] {
  return [...backwards(timing, after, until)].toReversed();
}

/** The newest of a time, oldest first. */
function newest(timing: Timing, after: number, until: number, count: number): number[] {
  const slots: number[] = [];
  if (count === 0) return slots;
  for (const slot of backwards(timing, after, until)) {
    slots.unshift(slot);
    if (slots.length === count) break;
  }
  return slots;
}

/** From the newest on. */
function* backwards(timing: Timing, after: number, until: number): Generator<number> {
  switch (timing.kind) {
    case "clocked":
      if (timing.at > after && timing.at <= until) yield timing.at;
      return;
    case "interval": {
      const ms = timing.every * PERIODS[timing.period];
      const last = Math.floor((until - timing.anchor) / ms);
      for (let nth = last; nth >= 0; nth -= 1) {
        const slot = timing.anchor + nth * ms;
        if (slot <= after) return;
        yield slot;
      }
      return;
    }
    case "solar":
      yield* solarSlots(timing, after, until);
      return;
    case "crontab": {
      const fields = fieldsOf(timing);
      for (let at = Math.floor(until / MINUTE) * MINUTE; at > after; at -= MINUTE) {
        if (isSlot(fields, timing.timezone, at)) yield at;
      }
    }
  }
}

/** The sun's times are suncalc's; which of them are in a time is found by asking for each day of it. */
function* solarSlots(
  { event, latitude, longitude }: Extract<Timing, { kind: "solar" }>,
  after: number,
  until: number,
): Generator<number> {
  const times = new Set<number>();
  for (let day = Math.floor(after / DAY) - 2; day <= until / DAY + 2; day += 1) {
    const noon = new Date(day * DAY + DAY / 2);
    const sun = getTimes(noon, latitude, longitude);
    const at = sun[SUN[event as keyof typeof SUN]];
    if (at === null) continue;
    const slot = Math.round(at.getTime() / 1_000) * 1_000;
    if (slot <= after || slot > until) continue;
    // Of days on which the sun hardly rises or sets suncalc may say any time: then it is not at the horizon.
    const { altitude } = getPosition(at, latitude, longitude);
    const isAtHorizon = altitude >= -1.333 && altitude <= 0.667;
    const isOfDay = Math.abs(at.getTime() - sun.solarNoon.getTime()) <= DAY / 2 + MINUTE;
    if (event === "solar_noon" || (isAtHorizon && isOfDay)) times.add(slot);
  }
  yield* [...times].toSorted((a, b) => b - a);
}

interface Fields {
  readonly minute: ReadonlySet<number>;
  readonly hour: ReadonlySet<number>;
  readonly day: ReadonlySet<number>;
  readonly month: ReadonlySet<number>;
  readonly weekday: ReadonlySet<number>;
}

const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

function fieldsOf(crontab: Extract<Timing, { kind: "crontab" }>): Fields {
  return {
    minute: valuesOf(crontab.minute, 0, 59),
    hour: valuesOf(crontab.hour, 0, 23),
    day: valuesOf(crontab.day_of_month, 1, 31),
    month: valuesOf(crontab.month_of_year, 1, 12),
    weekday: valuesOf(crontab.day_of_week, 0, 6),
  };
}

/** `*`, steps, ranges and lists, as far as the histories use them. */
function valuesOf(text: string, min: number, max: number): Set<number> {
  const values = new Set<number>();
  for (const part of text.split(",")) {
    const [range = "", step = "1"] = part.split("/");
    const [from = "", to] = range === "*" ? [String(min), String(max)] : range.split("-");
    for (let n = numberOf(from); n <= numberOf(to ?? from); n += Number(step)) values.add(n);
  }
  return values;
}

function numberOf(text: string): number {
  const weekday = WEEKDAYS.indexOf(text);
  return weekday === -1 ? Number(text) : weekday;
}

/**
 * Whether a crontab fires at a minute. One without hours of its own goes by what the clocks show. One with hours
 * fires the first time that they show its time, and at the end of a gap that its time falls into.
 */
function isSlot(fields: Fields, zone: string, at: number): boolean {
  const offset = offsetOf(zone, at);
  const matches = fits(fields, at + offset);
  if (fields.hour.size === 24) return matches;
  if (matches && !wasShownBefore(zone, at, offset)) return true;
  const before = offsetOf(zone, at - MINUTE);
  for (let skipped = at + before; skipped < at + offset; skipped += MINUTE) {
    if (fits(fields, skipped)) return true;
  }
  return false;
}

/** Clocks were put back within the last hours, and have shown this time already. */
function wasShownBefore(zone: string, at: number, offset: number): boolean {
  for (let back = QUARTER; back <= 3 * 60 * MINUTE; back += QUARTER) {
    if (offsetOf(zone, at - back) - offset === back) return true;
  }
  return false;
}

function fits(fields: Fields, wall: number): boolean {
  const minutes = Math.floor(wall / MINUTE) % 1_440;
  if (!fields.minute.has(minutes % 60) || !fields.hour.has(Math.floor(minutes / 60))) return false;
  const date = new Date(wall);
  return (
    fields.day.has(date.getUTCDate()) &&
    fields.month.has(date.getUTCMonth() + 1) &&
    fields.weekday.has(date.getUTCDay())
  );
}

const formats = new Map<string, Intl.DateTimeFormat>();
const offsets = new Map<string, Map<number, number>>();

/** What a zone's clocks are ahead of UTC: no zone changes them but at a quarter of an hour. */
function offsetOf(zone: string, at: number): number {
  if (zone === "UTC") return 0;
  const known = offsets.get(zone) ?? new Map<number, number>();
  offsets.set(zone, known);
  const day = Math.floor(at / DAY) * DAY;
  const morning = lookUp(zone, known, day);
  if (morning === lookUp(zone, known, day + DAY)) return morning;
  return lookUp(zone, known, Math.floor(at / QUARTER) * QUARTER);
}

function lookUp(zone: string, known: Map<number, number>, at: number): number {
  const before = known.get(at);
  if (before !== undefined) return before;
  let format = formats.get(zone);
  if (format === undefined) {
    const fields = { hour: "2-digit", minute: "2-digit", second: "2-digit" } as const;
    const date = { year: "numeric", month: "2-digit", day: "2-digit" } as const;
    format = new Intl.DateTimeFormat("en-CA", {
      ...{ ...date, ...fields, timeZone: zone, hourCycle: "h23" },
    });
    formats.set(zone, format);
  }
  const parts = Object.fromEntries(
    format.formatToParts(at).map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  const offset =
    Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1_000) * 1_000;
  known.set(at, offset);
  return offset;
}

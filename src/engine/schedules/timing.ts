import { nextWall } from "./calendar.ts";
import { crontabValues, isEveryHour, type Crontab, type CrontabValues } from "./crontab.ts";
import { nextSolar, type SolarEvent } from "./solar.ts";
import { changeBetween, instantOf, offsetAt, wallAt } from "./zone.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export const PERIOD_MS = {
  seconds: 1_000,
  minutes: 60_000,
  hours: HOUR,
  days: DAY,
} as const;

/** When a schedule fires: django-celery-beat's four kinds, each schedule with its own. */
export type Timing =
  | ({ readonly kind: "crontab"; readonly timezone: string } & Crontab)
  | {
      readonly kind: "interval";
      readonly every: number;
      readonly period: keyof typeof PERIOD_MS;
      /** Slots are whole intervals from here, epoch ms: no run moves the next. */
      readonly anchor: number;
    }
  /** Once; epoch ms. */
  | { readonly kind: "clocked"; readonly at: number }
  | {
      readonly kind: "solar";
      readonly event: SolarEvent;
      readonly latitude: number;
      readonly longitude: number;
    };

/** There is none later: it could not be written as a date. */
const LAST_SLOT = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** The next slot after an instant, epoch ms; null: there is none any more. */
export function nextSlot(timing: Timing, after: number): number | null {
  const slot = slotAfter(timing, after);
  return slot !== null && slot <= LAST_SLOT ? slot : null;
}

function slotAfter(timing: Timing, after: number): number | null {
  switch (timing.kind) {
    case "interval": {
      const ms = timing.every * PERIOD_MS[timing.period];
      const passed = Math.floor((after - timing.anchor) / ms);
      return Math.max(timing.anchor, timing.anchor + (passed + 1) * ms);
    }
    case "clocked":
      return timing.at > after ? timing.at : null;
    case "solar":
      return nextSolar(timing.event, timing.latitude, timing.longitude, after);
    case "crontab":
      return nextCrontab(timing, after);
  }
}

/**
 * The last slots in a time, the newest at the end: `after` not included, `until` included. A long time costs
 * no more than a short one.
 */
export function lastSlots(timing: Timing, after: number, until: number, count: number): number[] {
  for (let span = HOUR; ; span *= 4) {
    const from = Math.max(after, until - span);
    const slots = slotsBetween(timing, from, until, Infinity);
    if (slots.length >= count || from === after) return slots.slice(-count);
    // A first look at a dense schedule is short; one at a sparse one grows.
  }
}

/** The first slots in a time, oldest first: `after` not included, `until` included. */
export function slotsBetween(
  timing: Timing,
  after: number,
  until: number,
  count: number,
): number[] {
  const slots: number[] = [];
  for (
    let slot = nextSlot(timing, after);
    slot !== null && slot <= until && slots.length < count;
    slot = nextSlot(timing, slot)
  ) {
    slots.push(slot);
  }
  return slots;
}

/** A crontab of which only some fields are said; the others are `*` (Celery's `crontab()`). */
export function crontab(timezone: string, fields: Partial<Crontab>): Timing {
  const all = { minute: "*", hour: "*", day_of_month: "*", month_of_year: "*", day_of_week: "*" };
  return { kind: "crontab", timezone, ...all, ...fields };
}

type CrontabTiming = Extract<Timing, { kind: "crontab" }>;

/** Taken apart once: the same few crontabs are asked again and again. */
const parsed = new Map<string, CrontabValues>();
const MAX_PARSED = 20_000;

function parse(timing: CrontabTiming): CrontabValues {
  const { minute, hour, day_of_month: day, month_of_year: month, day_of_week: weekday } = timing;
  const key = [minute, hour, day, month, weekday].join(" ");
  const known = parsed.get(key);
  if (known !== undefined) return known;
  const values = crontabValues(timing);
  if (parsed.size >= MAX_PARSED) parsed.clear();
  parsed.set(key, values);
  return values;
}

function nextCrontab(timing: CrontabTiming, after: number): number | null {
  const values = parse(timing);
  const next = (wall: number) => nextWall(values, wall);
  return isEveryHour(values)
    ? nextAtPace(timing.timezone, next, after)
    : nextAtTime(timing.timezone, next, after);
}

type NextWall = (wall: number) => number | null;

/**
 * Fixed times of day: one that is skipped runs when the clocks have been put forward, one that comes twice
 * runs the first time.
 */
function nextAtTime(zone: string, next: NextWall, after: number): number | null {
  // What the clocks have shown already is past: of two instants that show a time the first counts.
  for (let wall = next(wallAt(zone, after)); wall !== null; wall = next(wall)) {
    const instant = instantOf(zone, wall);
    if (instant > after) return instant;
  }
  return null;
}

/** Every so many minutes, whatever the clocks do: by what they show at each moment. */
function nextAtPace(zone: string, next: NextWall, after: number): number | null {
  let from = after;
  for (;;) {
    const offset = offsetAt(zone, from);
    const wall = next(from + offset);
    if (wall === null) return null;
    const instant = wall - offset;
    const change = firstChange(zone, from, instant);
    if (change === null) return instant;
    // The clocks are changed before: from there on by the new ones, the moment itself included.
    from = change - 1;
    const changed = offsetAt(zone, from + 1);
    const first = next(from + changed);
    if (first === null) return null;
    if (offsetAt(zone, first - changed) === changed) return first - changed;
    from += 1;
  }
}

/** Day by day: over a longer time clocks may go there and back. Null: they are not changed. */
function firstChange(zone: string, from: number, until: number): number | null {
  const offset = offsetAt(zone, from);
  for (let day = from; day < until; day += DAY) {
    const end = Math.min(until, day + DAY);
    if (offsetAt(zone, end) !== offset) return changeBetween(zone, day, end);
  }
  return null;
}

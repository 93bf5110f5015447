import * as z from "zod";
import {
  crontabValues,
  DEFAULT_SETTINGS,
  isZone,
  MAX_INTERVAL,
  PERIOD_MS,
  SOLAR_EVENTS,
  type Schedule,
  type ScheduleSettings,
  type Timing,
} from "#engine";
import { invalid } from "../http/problems.ts";
import { instant, seconds } from "../tasks/signature-schema.ts";

type Keys<T> = [keyof T & string, ...(keyof T & string)[]];

const text = z.union([z.string().min(1).max(240), z.int().transform(String)]);
const zone = z
  .string()
  .max(64)
  .refine(isZone, "There is no such time zone (use UTC, Europe/Paris, …).");
const crontab = z.strictObject({
  minute: text.default("*"),
  hour: text.default("*"),
  day_of_month: text.default("*"),
  month_of_year: text.default("*"),
  day_of_week: text.default("*"),
  timezone: zone.optional(),
});
const interval = z.strictObject({
  every: z.int().min(1).max(MAX_INTERVAL),
  period: z.enum(Object.keys(PERIOD_MS) as Keys<typeof PERIOD_MS>),
});
const clocked = z.strictObject({ at: instant });
const solar = z.strictObject({
  event: z.enum(SOLAR_EVENTS),
  latitude: z.number().min(-90).max(90),
  longitude: z.number().min(-180).max(180),
});

/** The fields of a schedule, with django-celery-beat's names. */
const fields = {
  task: z.string().min(1).max(200),
  args: z.array(z.unknown()),
  kwargs: z.record(z.string(), z.unknown()),
  crontab: crontab.optional(),
  interval: interval.optional(),
  clocked: clocked.optional(),
  solar: solar.optional(),
  enabled: z.boolean(),
  one_off: z.boolean(),
  start_time: instant.nullable(),
  expires: instant.nullable(),
  expire_seconds: seconds.max(315_360_000).nullable(),
  queue: z.string().max(100).nullable(),
  priority: z.int().min(0).max(9).nullable(),
  headers: z.record(z.string(), z.string()),
  description: z.string().max(2_000),
  missed: z.union([
    z.enum(["skip", "once"]).transform((policy) => ({ policy })),
    z
      .strictObject({ all: z.int().min(1).max(100) })
      .transform(({ all }) => ({ policy: "all" as const, limit: all })),
  ]),
  overlap: z.enum(["allow", "skip", "queue"]),
};
const { task, ...others } = fields;

/** What is to change of a schedule. */
export const changeSchema = z.strictObject(fields).partial();

/** A new schedule. */
export const createSchema = z
  .strictObject(others)
  .partial()
  .extend({
    name: z
      .string()
      .regex(/^[^\n\0/]{1,200}$/, "1 to 200 characters, none a slash.")
      .refine((name) => name !== "." && name !== "..", "No address leads there."),
    task,
  });

type Given = z.output<typeof changeSchema>;

/** What a schedule goes by that does not say so itself. */
interface Base {
  readonly now: number;
  readonly timezone: string;
}

/**
 * A schedule's settings after a change. A timing replaces the old one, whatever its kind.
 * @param old what it was; null: it is new
 * @param base the time, and the deployment's zone
 * @throws Problem 422 naming the field
 */
export function settingsOf(given: Given, old: Schedule | null, base: Base): ScheduleSettings {
  const startTime = timeOr(given.start_time, old?.startTime ?? null);
  const timing = startingAt(startTime, timingOf(given, base) ?? old?.timing);
  const taskName = given.task ?? old?.task;
  if (timing === undefined || taskName === undefined) {
    throw wrong("crontab", "Give one of crontab, interval, clocked and solar.");
  }
  const before = old ?? DEFAULT_SETTINGS;
  const wasClocked = old?.timing.kind === "clocked" && timing.kind !== "clocked";
  const isOneOff = before.oneOff;
  const settings: ScheduleSettings = {
    task: taskName,
    timing,
    args: given.args ?? before.args,
    kwargs: given.kwargs ?? before.kwargs,
    enabled: given.enabled ?? before.enabled,
    oneOff: given.one_off ?? (timing.kind === "clocked" || (isOneOff && !wasClocked)),
    startTime,
    expires: timeOr(given.expires, before.expires),
    expireSeconds: given.expire_seconds === undefined ? before.expireSeconds : given.expire_seconds,
    queue: given.queue === undefined ? before.queue : given.queue,
    priority: given.priority === undefined ? before.priority : given.priority,
    headers: given.headers ?? before.headers,
    description: given.description ?? before.description,
    missed: given.missed ?? before.missed,
    overlap: given.overlap ?? before.overlap,
  };
  if (timing.kind === "clocked" && !settings.oneOff) {
    throw wrong("one_off", "A clocked schedule runs once.");
  }
  if (given.expires != null && given.expires.getTime() <= base.now) {
    throw wrong("expires", "Must be in the future.");
  }
  if (settings.expires !== null && settings.expires <= (settings.startTime ?? -Infinity)) {
    throw wrong("expires", "Must be after start_time.");
  }
  return settings;
}

/** Undefined: none is given. */
function timingOf(given: Given, { now, timezone }: Base): Timing | undefined {
  const kinds = (["crontab", "interval", "clocked", "solar"] as const).filter(
    (kind) => given[kind] !== undefined,
  );
  if (kinds.length > 1) throw wrong(kinds[1] ?? "", "A schedule has one timing.");
  if (given.crontab !== undefined) {
    const zoneOf = given.crontab.timezone ?? timezone;
    const timing: Timing = { kind: "crontab", ...given.crontab, timezone: zoneOf };
    crontabValues(timing);
    return timing;
  }
  if (given.interval !== undefined) {
    return { kind: "interval", ...given.interval, anchor: now };
  }
  if (given.clocked !== undefined) {
    const at = given.clocked.at.getTime();
    if (at <= now) throw wrong("clocked.at", "Must be in the future.");
    return { kind: "clocked", at };
  }
  return given.solar === undefined ? undefined : { kind: "solar", ...given.solar };
}

/** An interval counts from the start, whichever of the two was said first. */
function startingAt(startTime: number | null, timing: Timing | undefined): Timing | undefined {
  if (timing?.kind !== "interval" || startTime === null) return timing;
  return { ...timing, anchor: startTime };
}

function timeOr(given: Date | null | undefined, before: number | null): number | null {
  return given === undefined ? before : (given?.getTime() ?? null);
}

function wrong(field: string, message: string) {
  return invalid([{ field, message }]);
}

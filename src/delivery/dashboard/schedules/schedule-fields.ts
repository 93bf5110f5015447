import type { ScheduleSettings, Timing } from "#engine";
import type { FieldError } from "../../api/http/problems.ts";
import { withoutUndefined } from "../../api/http/without-undefined.ts";
import { linesOf, readJson } from "../params/index.ts";
import { fieldOfInstant, instantOf, numberOf, textOf, type Fields } from "../shell/index.ts";

export const KINDS = ["crontab", "interval", "clocked", "solar"] as const;
export const CRONTAB_FIELDS = [
  "minute",
  "hour",
  "day_of_month",
  "month_of_year",
  "day_of_week",
] as const;

/** What a form for a new schedule begins with. */
export function newValues(timezone: string): Fields {
  const crontab = Object.fromEntries(CRONTAB_FIELDS.map((field) => [field, "*"]));
  return {
    ...crontab,
    kind: "crontab",
    minute: "0",
    timezone,
    every: "10",
    period: "minutes",
    event: "sunrise",
    enabled: "on",
    missed: "once",
    missed_all: "10",
    overlap: "allow",
    args: "[]",
    kwargs: "{}",
    args_as: "json",
  };
}

/** A schedule as the fields of its form, but for its arguments. */
export function valuesOfSettings(settings: ScheduleSettings): Record<string, string> {
  const { missed, headers } = settings;
  return {
    task: settings.task,
    ...timingValues(settings.timing),
    enabled: settings.enabled ? "on" : "",
    one_off: settings.oneOff ? "on" : "",
    start_time: fieldOfInstant(settings.startTime),
    expires: fieldOfInstant(settings.expires),
    expire_seconds: String(settings.expireSeconds ?? ""),
    queue: settings.queue ?? "",
    priority: String(settings.priority ?? ""),
    headers: Object.entries(headers)
      .map(([name, value]) => `${name}: ${value}`)
      .join("\n"),
    description: settings.description,
    missed: missed.policy,
    missed_all: missed.policy === "all" ? String(missed.limit) : "10",
    overlap: settings.overlap,
  };
}

function timingValues(timing: Timing): Record<string, string> {
  const { kind, ...fields } = timing;
  if (timing.kind === "clocked") return { kind, at: fieldOfInstant(timing.at) };
  const texts = Object.entries(fields).map(([name, value]) => [name, String(value)]);
  return { kind, ...(Object.fromEntries(texts) as Record<string, string>) };
}

/**
 * What a form says, as the API takes it: what is no number stays text, which is refused where it stands.
 * Arguments come from elsewhere; an interval that is as it was keeps its beat by not being given.
 * @param old null: it is new
 */
export function givenOf(
  values: Fields,
  old: ScheduleSettings | null,
): { readonly given: Record<string, unknown>; readonly faults: readonly FieldError[] } {
  const text = (name: string) => textOf(values, name);
  const faults: FieldError[] = [];
  const orNull = <Value>(value: Value | undefined) => value ?? null;
  const given = {
    task: text("task"),
    ...(old !== null && isSameInterval(values, old.timing) ? {} : timingOf(values)),
    enabled: text("enabled") === "on",
    one_off: text("kind") === "clocked" || text("one_off") === "on",
    start_time: orNull(instantOf(text("start_time"))),
    // One that is past may stay: a schedule that is over can still be described anew.
    expires:
      old !== null && text("expires") === fieldOfInstant(old.expires)
        ? undefined
        : orNull(instantOf(text("expires"))),
    expire_seconds: orNull(numberOf(text("expire_seconds"))),
    queue: text("queue") === "" ? null : text("queue"),
    priority: orNull(numberOf(text("priority"))),
    headers: headersOf(text("headers"), faults),
    description: text("description").replaceAll("\r\n", "\n"),
    missed: text("missed") === "all" ? { all: numberOf(text("missed_all")) } : text("missed"),
    overlap: text("overlap"),
  };
  return { given: withoutUndefined(given), faults };
}

function timingOf(values: Fields): Record<string, unknown> {
  const text = (name: string) => textOf(values, name);
  switch (text("kind")) {
    case "interval":
      return { interval: { every: numberOf(text("every")), period: text("period") } };
    case "clocked":
      return { clocked: { at: instantOf(text("at")) } };
    case "solar":
      return {
        solar: {
          event: text("event"),
          latitude: numberOf(text("latitude")),
          longitude: numberOf(text("longitude")),
        },
      };
    default: {
      const fields = CRONTAB_FIELDS.map((field) => [field, text(field).trim() || "*"]);
      const zone = text("timezone").trim();
      const crontab = { ...Object.fromEntries(fields), ...(zone !== "" && { timezone: zone }) };
      return { crontab };
    }
  }
}

function isSameInterval(values: Fields, old: Timing): boolean {
  return (
    old.kind === "interval" &&
    textOf(values, "kind") === "interval" &&
    numberOf(textOf(values, "every")) === old.every &&
    textOf(values, "period") === old.period
  );
}

/** Lines of `name: value`. */
function headersOf(text: string, faults: FieldError[]): Record<string, string> {
  const pairs = linesOf(text).map((line): [string, string] => {
    const end = line.indexOf(":");
    if (end < 1) faults.push({ field: "headers", message: `'${line}' is not name: value.` });
    return [line.slice(0, Math.max(0, end)).trim(), line.slice(end + 1).trim()];
  });
  return Object.fromEntries(pairs);
}

/** A list or an object that was entered as JSON. */
export function jsonField<Kind extends "list" | "object">(
  text: string,
  field: string,
  kind: Kind,
  faults: FieldError[],
): Kind extends "list" ? unknown[] : Record<string, unknown> {
  type Value = Kind extends "list" ? unknown[] : Record<string, unknown>;
  const empty = (kind === "list" ? [] : {}) as Value;
  if (text.trim() === "") return empty;
  const read = readJson(text);
  if ("fault" in read) {
    faults.push({ field, message: read.fault });
    return empty;
  }
  const { value } = read;
  const fits =
    kind === "list"
      ? Array.isArray(value)
      : typeof value === "object" && value !== null && !Array.isArray(value);
  if (fits) return value as Value;
  faults.push({ field, message: kind === "list" ? "Must be a list." : "Must be an object." });
  return empty;
}

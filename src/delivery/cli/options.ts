import { Argument, InvalidArgumentError, Option } from "commander";

/*
 * What options take, checked before anything is sent. A parser's error names the option by itself.
 */

/** Seconds, from 0. */
export function seconds(text: string): number {
  const number = Number(text);
  if (text.trim() === "" || !(number >= 0 && number < 1e10)) {
    throw new InvalidArgumentError("Must be a number of seconds.");
  }
  return number;
}

export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!/^-?\d+$/.test(text) || number < min || number > max) {
      throw new InvalidArgumentError(`Must be an integer from ${min} to ${max}.`);
    }
    return number;
  };
}

/** A time as ISO 8601; one without an offset is UTC. As the API takes it. */
export function instant(text: string): string {
  const form = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/;
  const hasZone = /(Z|[+-]\d\d:?\d\d)$/.test(text) && text.length > 10;
  const zoned = text.length === 10 ? `${text}T00:00:00Z` : hasZone ? text : `${text}Z`;
  const at = Date.parse(zoned.replace(" ", "T"));
  if (!form.test(text) || Number.isNaN(at)) {
    throw new InvalidArgumentError("Must be a time as 2026-11-21T08:00:00Z.");
  }
  return new Date(at).toISOString();
}

/** Seconds from now, or a time. */
export function secondsOrInstant(text: string): number | string {
  return /^\d+(\.\d+)?$/.test(text) ? seconds(text) : instant(text);
}

export function jsonList(text: string): unknown[] {
  const value = json(text);
  if (!Array.isArray(value)) throw new InvalidArgumentError("Must be a JSON list, as '[2, 3]'.");
  return value as unknown[];
}

export function jsonObject(text: string): Record<string, unknown> {
  const value = json(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new InvalidArgumentError(`Must be a JSON object, as '{"data": "hello"}'.`);
  }
  return value as Record<string, unknown>;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new InvalidArgumentError("Not JSON.");
  }
}

/** `name=value`, as often as wanted. */
export function pair(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const end = text.indexOf("=");
  if (end < 1) throw new InvalidArgumentError("Must be name=value.");
  return { ...before, [text.slice(0, end)]: text.slice(end + 1) };
}

/** `a,b`, as often as wanted. */
export function list(text: string, before: readonly string[] = []): string[] {
  const items = text.split(",").map((item) => item.trim());
  return [...before, ...items.filter((item) => item !== "")];
}

/** What may stand in a place, for completion: names that the deployment knows. */
export type Names = "tasks" | "queues" | "schedules";

const NAMES = new WeakMap<Option | Argument, Names>();

/** An option whose value is a name that the deployment knows. */
export function named(names: Names, option: Option): Option {
  NAMES.set(option, names);
  return option;
}

/** An argument that is such a name. */
export function namedArgument(names: Names, usage: string, description: string): Argument {
  const argument = new Argument(usage, description);
  NAMES.set(argument, names);
  return argument;
}

/** Undefined: its value is none of them. */
export function namesOf(place: Option | Argument): Names | undefined {
  return NAMES.get(place);
}

export function queueOption(description: string): Option {
  return named("queues", new Option("-q, --queue <queue>", description));
}

/** A limit of how many are listed. */
export function limitOption(fallback: number, max: number): Option {
  return new Option("-n, --limit <count>", "how many at most")
    .argParser(integer(1, max))
    .default(fallback);
}

import { InvalidArgumentError, Option, type Command } from "commander";
import { UsageError } from "./failures.ts";
import { instant, integer, jsonList, jsonObject, pair, queueOption, seconds } from "./options.ts";
import type { Shell } from "./shell.ts";

/** A schedule's fields as options; what is not given is left to the deployment. */
export interface ScheduleOptions {
  readonly file?: string;
  readonly crontab?: Crontab;
  readonly timezone?: string;
  readonly every?: { readonly every: number; readonly period: string };
  readonly at?: string;
  readonly solar?: string;
  readonly latitude?: number;
  readonly longitude?: number;
  readonly args?: unknown[];
  readonly kwargs?: Record<string, unknown>;
  readonly oneOff?: boolean;
  readonly startTime?: string;
  readonly expires?: string;
  readonly expireSeconds?: number;
  readonly queue?: string;
  readonly priority?: number;
  readonly header?: Record<string, string>;
  readonly description?: string;
  readonly missed?: string;
  readonly overlap?: string;
  readonly disabled?: boolean;
}

interface Crontab {
  readonly minute: string;
  readonly hour: string;
  readonly day_of_month: string;
  readonly month_of_year: string;
  readonly day_of_week: string;
}

/** Adds them to a command. */
export function scheduleOptions(command: Command): Command {
  return command
    .option("--file <file>", "its fields as JSON, as the API takes them; -: what comes in")
    .option("--crontab <fields>", '"m h dom moy dow", in Celery\'s syntax', crontab)
    .option("--timezone <zone>", "of the crontab, as Europe/Paris")
    .option("--every <interval>", '"30 seconds", "2 hours", "1 days"', interval)
    .option("--at <time>", "once, then", instant)
    .option("--solar <event>", "sunrise, sunset, …; with --latitude and --longitude")
    .option("--latitude <degrees>", "-90 to 90", degrees)
    .option("--longitude <degrees>", "-180 to 180", degrees)
    .option("-a, --args <json>", "positional arguments, a JSON list", jsonList)
    .option("-k, --kwargs <json>", "arguments by name, a JSON object", jsonObject)
    .option("--one-off", "fire once")
    .option("--start-time <time>", "not before then", instant)
    .option("--expires <time>", "not after then", instant)
    .option("--expire-seconds <seconds>", "each run is called off after so long", seconds)
    .addOption(queueOption("the queue of its tasks"))
    .option("--priority <n>", "0 to 9, 9 first", integer(0, 9))
    .option("--header <name=value>", "becomes a label of its tasks, as often as wanted", pair)
    .option("--description <text>", "what it is for")
    .option("--missed <policy>", "skip, once, or how many of the last are made up for")
    .addOption(
      new Option("--overlap <policy>", "while the last run is unfinished").choices([
        "allow",
        "skip",
        "queue",
      ]),
    )
    .option("--disabled", "fire nothing until it is enabled");
}

/** The fields of a request. @throws UsageError */
export function fieldsOf(shell: Shell, options: ScheduleOptions): Record<string, unknown> {
  const { file, crontab: fields, timezone, solar: event, latitude, longitude } = options;
  if (timezone !== undefined && fields === undefined) {
    throw new UsageError("--timezone goes with --crontab.");
  }
  if ((event === undefined) !== (latitude === undefined || longitude === undefined)) {
    throw new UsageError("--solar, --latitude and --longitude go together.");
  }
  const given = {
    ...(fields !== undefined && { crontab: { ...fields, timezone } }),
    ...(event !== undefined && { solar: { event, latitude, longitude } }),
    ...(options.at !== undefined && { clocked: { at: options.at } }),
    interval: options.every,
    args: options.args,
    kwargs: options.kwargs,
    one_off: options.oneOff,
    start_time: options.startTime,
    expires: options.expires,
    expire_seconds: options.expireSeconds,
    queue: options.queue,
    priority: options.priority,
    headers: options.header,
    description: options.description,
    missed: missedOf(options.missed),
    overlap: options.overlap,
    ...(options.disabled === true && { enabled: false }),
  };
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...(file === undefined ? {} : fileFields(shell, file)), ...Object.fromEntries(set) };
}

function fileFields(shell: Shell, file: string): Record<string, unknown> {
  const fields = shell.readJson(file);
  if (typeof fields === "object" && fields !== null && !Array.isArray(fields)) {
    return fields as Record<string, unknown>;
  }
  throw new UsageError(`${file}: must be a JSON object.`);
}

/** Unchecked where it is a word: the deployment knows which there are. */
function missedOf(policy: string | undefined): unknown {
  return policy !== undefined && /^\d+$/.test(policy) ? { all: Number(policy) } : policy;
}

function crontab(text: string): Crontab {
  const [minute, hour, dayOfMonth, monthOfYear, dayOfWeek, ...rest] = text.trim().split(/\s+/);
  if (dayOfWeek === undefined || rest.length > 0) {
    throw new InvalidArgumentError('Must have five fields: "m h dom moy dow".');
  }
  return {
    minute: minute ?? "*",
    hour: hour ?? "*",
    day_of_month: dayOfMonth ?? "*",
    month_of_year: monthOfYear ?? "*",
    day_of_week: dayOfWeek,
  };
}

function interval(text: string): { every: number; period: string } {
  const [, every = "", period = ""] = /^\s*(\d+)\s*([a-z]+)\s*$/i.exec(text) ?? [];
  if (every === "") throw new InvalidArgumentError('Must be as "30 seconds".');
  const plural = period.toLowerCase().replace(/s?$/, "s");
  return { every: Number(every), period: plural };
}

function degrees(text: string): number {
  const number = Number(text);
  if (text.trim() === "" || !(Math.abs(number) <= 180)) {
    throw new InvalidArgumentError("Must be degrees.");
  }
  return number;
}

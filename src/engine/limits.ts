import { InvalidOptionError } from "./errors.ts";

/** At most `starts` in any `periodMs`. */
export interface Rate {
  readonly starts: number;
  readonly periodMs: number;
}

/** What bounds the starts of the tasks of one name, over the whole deployment. Null: nothing. */
export interface LimitSet {
  readonly rate: Rate | null;
  /** How many run at the same time. */
  readonly concurrency: number | null;
}

/** The limits of a task: of all its calls together, and of those with the same key. */
export interface TaskLimits extends LimitSet {
  readonly perKey: LimitSet;
}

const NO_LIMIT: LimitSet = { rate: null, concurrency: null };
export const NO_LIMITS: TaskLimits = { ...NO_LIMIT, perKey: NO_LIMIT };

const PERIODS = { s: 1_000, m: 60_000, h: 3_600_000 } as const;
/** More than this many starts a second need no limit: a ledger is slower. */
const MAX_STARTS_PER_SECOND = 10_000;
/** From one start to the next at most, a hundred years: what is slower has times that are no numbers. */
const MAX_APART_MS = 100 * 365 * 86_400_000;

/**
 * Starts are spaced wider than the rate asks for by this share, and each may come late by this share of
 * the period: so no window of the period's length has more starts than the rate allows, to the
 * millisecond, although consumers are not always there at the very moment.
 */
const SLACK = 0.03;

export function isUnlimited({ rate, concurrency }: LimitSet): boolean {
  return rate === null && concurrency === null;
}

/**
 * Reads a rate as Celery writes it (`celery/utils/time.py`, `rate`): "10/m", "100/h", "5/s", or a number
 * per second; decimals are allowed. Null, 0 and "0" mean no limit.
 * @throws InvalidOptionError naming `field`
 */
export function parseRate(field: string, rate: string | number | null): Rate | null {
  if (rate === null) return null;
  const match = /^(\d+(?:\.\d+)?)(?:\/([smh]))?$/.exec(String(rate).trim());
  const periodMs = PERIODS[(match?.[2] ?? "s") as keyof typeof PERIODS];
  const starts = Number(match?.[1]);
  if (match === null || (starts / periodMs) * 1_000 > MAX_STARTS_PER_SECOND) {
    const example = "write it like 10/m, 100/h or 5/s";
    throw new InvalidOptionError(
      field,
      `'${String(rate).slice(0, 50)}' is not a rate: ${example}.`,
    );
  }
  if (starts === 0) return null;
  return { starts, periodMs };
}

/** A rate as text that `parseRate` reads. */
export function formatRate({ starts, periodMs }: Rate): string {
  return `${starts}/${periodMs === PERIODS.s ? "s" : periodMs === PERIODS.m ? "m" : "h"}`;
}

/** Milliseconds between two starts. */
export function spacingMs(rate: Rate): number {
  return apartMs(rate) * (1 + SLACK);
}

function apartMs({ starts, periodMs }: Rate): number {
  return Math.min(periodMs / starts, MAX_APART_MS);
}

/** How late a start may use its slot, ms: by the strictest of a task's rates. Infinity without any. */
export function latenessOf({ rate, perKey }: TaskLimits): number {
  const rates = [rate, perKey.rate].filter((one) => one !== null);
  return Math.min(
    ...rates.map((each) => Math.floor(SLACK * Math.max(each.periodMs, apartMs(each)))),
  );
}

/**
 * The gate at which a task waits: tasks of one gate are held back together. `name`: that of the task if
 * it is limited, else empty; `key`: the call's key, null without one. Empty: no gate.
 */
export function gateOf(name: string, key: string | null): string {
  return key === null ? name : `${name}\n${key}`;
}

/** The parts of a gate. */
export function partsOfGate(gate: string): { name: string; key: string | null } {
  const end = gate.indexOf("\n");
  return end < 0
    ? { name: gate, key: null }
    : { name: gate.slice(0, end), key: gate.slice(end + 1) };
}

/** Whether the number of tasks of a gate that run at once is bounded. */
export function hasPlaces(gate: string, limits: TaskLimits | null): boolean {
  if (limits === null) return false;
  const { key } = partsOfGate(gate);
  return limits.concurrency !== null || (key !== null && limits.perKey.concurrency !== null);
}

import { InvalidOptionError } from "../errors.ts";

/** A crontab as Celery writes it: five fields, AND-ed. Each may also be a number. */
export interface Crontab {
  readonly minute: string;
  readonly hour: string;
  readonly day_of_month: string;
  readonly month_of_year: string;
  readonly day_of_week: string;
}

/** The values of a crontab's fields, ascending. */
export type CrontabValues = { readonly [Field in keyof Crontab]: readonly number[] };

interface FieldRules {
  readonly min: number;
  readonly max: number;
  /** The values of names by their first three letters. */
  readonly names: Readonly<Record<string, number>>;
}

const DAYS = { sun: 0, mon: 1, tue: 2, wed: 3, thu: 4, fri: 5, sat: 6 };
const MONTHS = {
  jan: 1,
  feb: 2,
  mar: 3,
  apr: 4,
  may: 5,
  jun: 6,
  jul: 7,
  aug: 8,
  sep: 9,
  oct: 10,
  nov: 11,
  dec: 12,
};

const RULES: Readonly<Record<keyof Crontab, FieldRules>> = {
  minute: { min: 0, max: 59, names: {} },
  hour: { min: 0, max: 23, names: {} },
  day_of_month: { min: 1, max: 31, names: {} },
  month_of_year: { min: 1, max: 12, names: MONTHS },
  day_of_week: { min: 0, max: 6, names: DAYS },
};

/** Days that a month may have. */
const MONTH_DAYS = [0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * The values that a crontab's fields stand for. Syntax and meaning are Celery's
 * (`celery/schedules.py` crontab_parser): `*`, numbers, names, ranges that may wrap, steps, lists; and 7 is
 * Sunday as 0 is.
 * @throws InvalidOptionError naming the field; also for dates that never come (31 April)
 */
export function crontabValues(crontab: Crontab): CrontabValues {
  const values = {
    minute: parseField("minute", crontab.minute),
    hour: parseField("hour", crontab.hour),
    day_of_month: parseField("day_of_month", crontab.day_of_month),
    month_of_year: parseField("month_of_year", crontab.month_of_year),
    day_of_week: parseField("day_of_week", crontab.day_of_week),
  };
  const [firstDay = 1] = values.day_of_month;
  if (!values.month_of_year.some((month) => firstDay <= (MONTH_DAYS[month] ?? 0))) {
    throw new InvalidOptionError(
      "crontab.day_of_month",
      `${crontab.day_of_month} is in none of the months ${crontab.month_of_year}.`,
    );
  }
  return values;
}

/** Whether a crontab has no hours of its own: it goes by the minutes, and keeps its pace when clocks change. */
export function isEveryHour({ hour }: CrontabValues): boolean {
  return hour.length === 24;
}

function parseField(field: keyof Crontab, text: string): number[] {
  const values = new Set<number>();
  for (const part of text.split(",")) {
    for (const value of parsePart(field, part.trim())) values.add(value);
  }
  return [...values].sort((a, b) => a - b);
}

function parsePart(field: keyof Crontab, part: string): number[] {
  const [range = "", step, ...more] = part.split("/");
  if (range === "" || more.length > 0) throw unreadable(field, part);
  const values = rangeOf(field, range);
  if (step === undefined) return values;
  // As in Celery: 5/15 is no range, so there is nothing to step through.
  const isRange = range === "*" || range.includes("-");
  if (!isRange || !/^\d{1,3}$/.test(step) || Number(step) < 1) throw unreadable(field, part);
  return values.filter((_value, index) => index % Number(step) === 0);
}

/** The values of `*`, a range or a single one, in the order in which a range runs through them. */
function rangeOf(field: keyof Crontab, range: string): number[] {
  const { min, max } = RULES[field];
  const between = (from: number, to: number) =>
    Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
  if (range === "*") return between(min, max);
  const [first = "", last, ...more] = range.split("-");
  if (more.length > 0) throw unreadable(field, range);
  const from = valueOf(field, first);
  if (last === undefined) return [from % 7 === 0 && field === "day_of_week" ? 0 : from];
  const to = valueOf(field, last);
  if (field === "day_of_week" && to === 7) return [...between(from, 6), 0];
  const start = field === "day_of_week" ? from % 7 : from;
  return start <= to ? between(start, to) : [...between(start, max), ...between(min, to)];
}

function valueOf(field: keyof Crontab, text: string): number {
  const { min, max, names } = RULES[field];
  const named = /^[a-z]{3,9}$/i.test(text) ? names[text.slice(0, 3).toLowerCase()] : undefined;
  if (named !== undefined) return named;
  if (!/^\d{1,3}$/.test(text)) throw unreadable(field, text);
  const value = Number(text);
  const top = field === "day_of_week" ? 7 : max;
  if (value < min || value > top) {
    throw new InvalidOptionError(`crontab.${field}`, `${value} is out of range ${min}–${top}.`);
  }
  return value;
}

function unreadable(field: keyof Crontab, part: string): InvalidOptionError {
  return new InvalidOptionError(
    `crontab.${field}`,
    `'${part}' is no value, range, step or list of them.`,
  );
}

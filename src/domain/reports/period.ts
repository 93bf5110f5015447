import { instantOf, wallAt } from "#engine";

export const REPORT_KINDS = ["daily", "weekly"] as const;
export type ReportKind = (typeof REPORT_KINDS)[number];

const DAY = 86_400_000;
/** The clocks of two machines differ by less. */
const CLOCKS_DIFFER_MS = 60_000;

/** A day, or an ISO week (from Monday on), of a zone. */
export interface Period {
  readonly kind: ReportKind;
  /** `2025-06-26` or `2025-W26`. */
  readonly key: string;
  /** Its days, in their order. */
  readonly days: readonly string[];
  /** Epoch ms: the local midnights it begins with (included) and ends with (not included). */
  readonly from: number;
  readonly until: number;
}

/** There is no report of that period: it has not begun, or its log is not kept any more. */
export class ReportPeriodError extends Error {
  override readonly name = "ReportPeriodError";
}

/** The period with a day in it. @param date as `2025-06-26` */
export function periodOf(kind: ReportKind, date: string, zone: string): Period {
  const day = Date.parse(`${date}T00:00:00Z`);
  const monday = day - ((new Date(day).getUTCDay() + 6) % 7) * DAY;
  const first = kind === "daily" ? day : monday;
  const days = Array.from({ length: kind === "daily" ? 1 : 7 }, (_, index) =>
    dateOf(first + index * DAY),
  );
  return {
    kind,
    key: kind === "daily" ? date : isoWeek(monday),
    days,
    from: instantOf(zone, first),
    until: instantOf(zone, first + days.length * DAY),
  };
}

/**
 * The last period that has ended. One that ends within a minute has ended too: a schedule that fires at
 * midnight may be run where it is not midnight yet.
 */
export function lastPeriod(kind: ReportKind, now: number, zone: string): Period {
  const today = wallAt(zone, now + CLOCKS_DIFFER_MS);
  return periodOf(kind, dateOf(today - (kind === "daily" ? 1 : 7) * DAY), zone);
}

/** The period before. */
export function periodBefore({ kind, days }: Period, zone: string): Period {
  const day = Date.parse(`${days[0]}T00:00:00Z`) - (kind === "daily" ? 1 : 7) * DAY;
  return periodOf(kind, dateOf(day), zone);
}

/** Whether it has ended, or is about to. */
export function isOver({ until }: Period, now: number): boolean {
  return now >= until - CLOCKS_DIFFER_MS;
}

/** Logs from before are deleted. */
export function keptSince(now: number, logDays: number): number {
  return now - logDays * DAY;
}

/**
 * Whether the whole of its log is there, and stays so for the hour in which a report is made: one made of
 * what is left would replace a right one.
 */
export function isLogKept({ from }: Period, now: number, logDays: number): boolean {
  return from >= keptSince(now, logDays) + DAY / 24;
}

/** @throws ReportPeriodError when there can be no report of it */
export function checkPeriod(period: Period, now: number, logDays: number): void {
  if (period.from > now) throw new ReportPeriodError(`${period.key} has not begun.`);
  if (isLogKept(period, now, logDays)) return;
  throw new ReportPeriodError(
    `The log of ${period.key} is not kept any more: it is deleted after ${logDays} days.`,
  );
}

/** A wall time's date; see engine/schedules/zone.ts for what a wall time is. */
export function dateOf(wall: number): string {
  return new Date(wall).toISOString().slice(0, 10);
}

/** The week belongs to the year that has its Thursday. */
function isoWeek(monday: number): string {
  const thursday = monday + 3 * DAY;
  const year = new Date(thursday).getUTCFullYear();
  const week = Math.floor((thursday - Date.UTC(year, 0, 1)) / (7 * DAY)) + 1;
  return `${year}-W${String(week).padStart(2, "0")}`;
}

import * as z from "zod";
import type { TaskContext } from "#engine";
import type { ShopServices } from "../services/index.ts";
import { checkPeriod, isOver, lastPeriod, periodOf, ReportPeriodError } from "./period.ts";
import type { Period, ReportKind } from "./period.ts";
import { readLog } from "./read-log.ts";
import { putReport } from "./report-book.ts";
import type { LogEntry } from "./log-entry.ts";

/** What was answered in the last second of a period is stored by then: see `RequestLog`. */
const SETTLED_AFTER_MS = 30_000;
const MINUTE = 60_000;

export type ReportContext = Pick<
  TaskContext<ShopServices>,
  "taskId" | "slot" | "services" | "signal" | "once" | "sleep" | "progress"
>;

/**
 * A day as `2025-06-26`; a weekly report is of the week that has it. Default: the last one that had ended when
 * it was called for, so that a late or backfilled run makes the report that is missing.
 */
export const reportParams = z.object({ date: z.iso.date().optional() });

/** How a report's task is tried again: reading is safe to repeat, and a period that can't be won't. */
export const REPORT_OPTIONS = {
  autoretryFor: [Error],
  dontAutoretryFor: [ReportPeriodError],
  retryBackoff: 10,
  maxRetries: 6,
} as const;

/**
 * Makes the report of a period and stores it: instead of the one that is there. One of a period that just
 * ended waits until its log is whole; one of a period that goes on is of what there is so far.
 * @throws ReportPeriodError
 */
export async function makeReport<Body extends Record<string, unknown>>(
  kind: ReportKind,
  date: string | undefined,
  ctx: ReportContext,
  build: (period: Period) => Promise<Body>,
): Promise<Body> {
  const { clock, db, logDays, timezone } = ctx.services;
  const period =
    date === undefined
      ? lastPeriod(kind, ctx.slot?.getTime() ?? (await firstRunAt(ctx)), timezone)
      : periodOf(kind, date, timezone);
  const now = clock.now();
  checkPeriod(period, now, logDays);
  // Also long after: a run that goes on after this wait has to come to it again.
  if (isOver(period, now)) {
    await ctx.sleep({ until: new Date(period.until + SETTLED_AFTER_MS) });
  }
  const createdAt = clock.now();
  const body = await build(period);
  await putReport(db, {
    kind,
    period: period.key,
    body: JSON.stringify(body),
    isComplete: createdAt >= period.until,
    createdAt,
    taskId: ctx.taskId,
  });
  return body;
}

/** When the task first ran, epoch ms: a retry after midnight makes the report that was asked for. */
function firstRunAt(ctx: ReportContext): Promise<number> {
  return ctx.once("as_of", () => ctx.services.clock.now());
}

/** Reads the log of a period and tells how far it is, in minutes of it. */
export async function readPeriod(
  ctx: ReportContext,
  { key, from, until }: Period,
  visit: (at: number, entry: LogEntry) => void,
): Promise<void> {
  const minutes = (ms: number) => Math.max(0, Math.floor(ms / MINUTE));
  await readLog(
    ctx.services.db,
    { from, until },
    {
      visit,
      signal: ctx.signal,
      onPage: (at) => {
        ctx.progress({ current: minutes(at - from), total: minutes(until - from), period: key });
      },
    },
  );
}

import { and, desc, eq, lt, lte } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { ReportKind } from "./period.ts";
import { reports } from "./tables.ts";

/** A report as it is stored; see tables.ts. */
export type StoredReport = typeof reports.$inferSelect;

/** Null: none was made of this period. */
export async function findReport(
  db: DrizzleD1Database,
  kind: ReportKind,
  period: string,
): Promise<StoredReport | null> {
  const [report] = await db
    .select()
    .from(reports)
    .where(and(eq(reports.kind, kind), eq(reports.period, period)));
  return report ?? null;
}

/** Without their bodies, the newest periods first. @param before a period; null: from the newest on */
export function listReports(
  db: DrizzleD1Database,
  kind: ReportKind,
  before: string | null,
  limit: number,
): Promise<Omit<StoredReport, "body">[]> {
  const { kind: kindColumn, period, isComplete, createdAt, taskId } = reports;
  return db
    .select({ kind: kindColumn, period, isComplete, createdAt, taskId })
    .from(reports)
    .where(and(eq(kindColumn, kind), before === null ? undefined : lt(period, before)))
    .orderBy(desc(period))
    .limit(limit);
}

/** Whole reports up to a period and with it, the newest first. @param limit a few: bodies may be large */
export function lastReports(
  db: DrizzleD1Database,
  kind: ReportKind,
  until: string,
  limit: number,
): Promise<StoredReport[]> {
  return db
    .select()
    .from(reports)
    .where(and(eq(reports.kind, kind), lte(reports.period, until)))
    .orderBy(desc(reports.period))
    .limit(limit);
}

/** Writes a report, or writes it anew. Rows written: 1. */
export async function putReport(db: DrizzleD1Database, report: StoredReport): Promise<void> {
  const { kind: _kind, period: _period, ...set } = report;
  await db
    .insert(reports)
    .values(report)
    .onConflictDoUpdate({ target: [reports.kind, reports.period], set });
}

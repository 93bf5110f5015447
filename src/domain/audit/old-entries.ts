import { sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { auditLog } from "./tables.ts";

const AT_ONCE = 500;
/** A call makes no more queries, of the 1,000 that an invocation may make: the next one goes on. */
const MAX_BATCHES = 400;

/**
 * Deletes what was done before a time, the oldest first. Safe to repeat, and to break off. Rows written: 1 each.
 * @param before epoch ms
 * @returns how many, and whether these were all
 */
export async function deleteOldEntries(
  db: DrizzleD1Database,
  before: number,
  signal: AbortSignal,
): Promise<{ count: number; isDone: boolean }> {
  let count = 0;
  for (let batch = 0; batch < MAX_BATCHES && !signal.aborted; batch += 1) {
    const { meta } = await db
      .delete(auditLog)
      .where(
        sql`(at, id) IN (SELECT at, id FROM audit_log WHERE at < ${before} ORDER BY at, id LIMIT ${AT_ONCE})`,
      );
    count += meta.changes;
    if (meta.changes < AT_ONCE) return { count, isDone: true };
  }
  return { count, isDone: false };
}

import { sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { emails } from "./tables.ts";

const AT_ONCE = 200;
/** A call makes no more queries, of the 1,000 that an invocation may make: the next one goes on. */
const MAX_BATCHES = 400;

/**
 * Deletes mails that are through and were written before a time, the oldest first. The same key would be
 * another mail from then on. Safe to repeat, and to break off.
 * @param before epoch ms
 * @returns how many, and whether these were all
 */
export async function deleteOldMails(
  db: DrizzleD1Database,
  before: number,
  signal: AbortSignal,
): Promise<{ count: number; isDone: boolean }> {
  let count = 0;
  for (let batch = 0; batch < MAX_BATCHES && !signal.aborted; batch += 1) {
    const old = sql`(SELECT task_id, to_address, template FROM emails
      WHERE created_at < ${before} AND state IN ('sent', 'failed') ORDER BY created_at LIMIT ${AT_ONCE})`;
    const deleted = await db
      .delete(emails)
      .where(sql`(task_id, to_address, template) IN ${old}`)
      .returning({ key: emails.taskId });
    count += deleted.length;
    if (deleted.length < AT_ONCE) return { count, isDone: true };
  }
  return { count, isDone: false };
}

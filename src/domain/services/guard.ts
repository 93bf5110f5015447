import { sql, type SQL } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";

/**
 * The statement that fails the batch it is in, so that nothing of it is written, unless the condition holds.
 * Reads what the statements before it in the batch wrote.
 *
 * It is for a change of several rows, or of one with its mails and tasks. A change of one row alone carries its
 * guard itself: `update … where(id, state in those it may come from)`, and `.returning()` tells whether it
 * moved. Whoever finds that it did not reads the row: it is where it was to go, or it may not go there. A row
 * that one task writes may have a fence besides, see `EffectContext.fencingToken`.
 */
export function failUnless(db: DrizzleD1Database, condition: SQL): BatchItem<"sqlite"> {
  // Text that is no JSON is the one error that a plain expression can raise.
  const holds = sql`json(CASE WHEN ${condition} THEN 'true' ELSE 'a guard does not hold' END)`;
  return db.select({ holds }).from(sql`(SELECT 1)`);
}

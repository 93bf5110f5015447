import { sql, type SQL } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";

/**
 * The statement that fails the batch it is in, so that nothing of it is written, unless the condition holds.
 * Reads what the statements before it in the batch wrote.
 */
export function failUnless(db: DrizzleD1Database, condition: SQL): BatchItem<"sqlite"> {
  // Text that is no JSON is the one error that a plain expression can raise.
  const holds = sql`json(CASE WHEN ${condition} THEN 'true' ELSE 'a guard does not hold' END)`;
  return db.select({ holds }).from(sql`(SELECT 1)`);
}

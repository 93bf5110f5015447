import { and, eq, isNull, or } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { ALONE } from "./batch-key.ts";
import { emails } from "./tables.ts";

/**
 * The statement that takes back a mail which waits, because what it says is no longer so. One that is out, that may
 * be out under a key, or that is in somebody's hands, stays. Rows written: 1, or 0 when there is none.
 */
export function withdrawMail(
  db: DrizzleD1Database,
  { key, template }: { readonly key: string; readonly template: string },
): BatchItem<"sqlite"> {
  return db
    .update(emails)
    .set({ state: "failed", dueAt: 0, reason: "It was no longer wanted." })
    .where(
      and(
        eq(emails.taskId, key),
        eq(emails.template, template),
        eq(emails.state, "pending"),
        or(isNull(emails.batchKey), eq(emails.batchKey, ALONE)),
      ),
    );
}

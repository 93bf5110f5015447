import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * Tasks of a write that the ledger does not have yet. Written in the batch of that write; read by the
 * sweep, and by who asks for such a task; deleted by the relay once the ledger took the task. WITHOUT ROWID.
 */
export const outbox = sqliteTable("outbox", {
  /** The task's id: minted at the write, so every relay of it is the same task. */
  id: text().primaryKey(),
  /** JSON text of the TaskSpec. */
  spec: text().notNull(),
  /** Epoch ms. */
  createdAt: integer("created_at").notNull(),
});

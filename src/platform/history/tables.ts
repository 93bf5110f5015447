import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * Finished tasks. Written by the ledger's flusher, once per task; read by status and history requests;
 * deleted by nobody yet. WITHOUT ROWID, and no index that a success enters: one billed row per task.
 * What is searched by has a column; the rest is in `detail`, because each column more makes the bulk
 * insert slower (measured: half the time with these ten instead of eighteen). Times are epoch ms.
 */
export const tasks = sqliteTable("tasks", {
  id: text().primaryKey(),
  name: text().notNull(),
  /** SUCCESS, FAILURE or REVOKED. */
  state: text().notNull(),
  queue: text().notNull(),
  owner: text().notNull(),
  finishedAt: integer("finished_at").notNull(),
  /** 1: ran out of attempts and waits for a person. */
  isDeadLettered: integer("is_dead_lettered").notNull(),
  /** JSON text of the arguments by name. */
  kwargs: text().notNull(),
  /** JSON text; null without a result. */
  result: text(),
  /** JSON array, see `Detail` in history.ts. */
  detail: text().notNull(),
});

import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * Finished tasks. Written by the ledger's flusher, once per task; read by status and history requests;
 * deleted by nobody yet. WITHOUT ROWID, and no index that a success enters: one billed row per task.
 * Times are epoch ms.
 */
export const tasks = sqliteTable("tasks", {
  id: text().primaryKey(),
  name: text().notNull(),
  queue: text().notNull(),
  priority: integer().notNull(),
  /** SUCCESS, FAILURE or REVOKED. */
  state: text().notNull(),
  owner: text().notNull(),
  /** JSON text of the arguments by name. */
  kwargs: text().notNull(),
  /** JSON text; null without a result. */
  result: text(),
  /** JSON text of the last error; null if no attempt failed. */
  error: text(),
  /** JSON text of the run options. */
  options: text().notNull(),
  retries: integer().notNull(),
  submittedAt: integer("submitted_at").notNull(),
  /** Earliest start of the last attempt; null if it was due at once. */
  dueAt: integer("due_at"),
  expiresAt: integer("expires_at"),
  /** JSON text of the newest attempts. */
  attempts: text().notNull(),
  finishedAt: integer("finished_at").notNull(),
  /** 1: ran out of attempts and waits for a person. */
  isDeadLettered: integer("is_dead_lettered").notNull(),
  /** Hash of the call, for ids that may come twice; null otherwise. */
  fingerprint: text(),
});

import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * Finished tasks. Written by the ledger's flusher, once per task, by who deals with a dead letter, and by the
 * pruner when a result expires; read by status and history requests; when their time is over written over by the
 * flusher, or deleted by the pruner. WITHOUT ROWID, and no index that a success enters: one billed row per task.
 * What is searched by has a column; the rest is in `detail`, because each column more makes the bulk
 * insert slower (measured: half the time with the ten that are inserted instead of eighteen). Times are
 * epoch ms.
 */
export const tasks = sqliteTable(
  "tasks",
  {
    id: text().primaryKey(),
    name: text().notNull(),
    /** SUCCESS, FAILURE, REVOKED or IGNORED. */
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
    /** JSON array, see `Detail` in rows.ts. */
    detail: text().notNull(),
    /** What became of a dead letter: `discarded`, or `replayed:` and the id; null: nothing yet. */
    resolution: text(),
  },
  (table) => [
    // A success doesn't enter it, and a dead letter that was dealt with leaves it.
    index("dead_letters")
      .on(table.finishedAt)
      .where(sql`is_dead_lettered = 1 AND resolution IS NULL`),
  ],
);

/**
 * Labels of finished tasks, for searching: written with the task, deleted with it. WITHOUT ROWID; tasks
 * without labels cost nothing here.
 */
export const taskLabels = sqliteTable(
  "task_labels",
  {
    label: text().notNull(),
    value: text().notNull(),
    taskId: text("task_id").notNull(),
  },
  (table) => [primaryKey({ columns: [table.label, table.value, table.taskId] })],
);

/**
 * Results that go before their tasks do: of calls with `result_expires`. Written with the task; read and
 * deleted by the pruner, with the result. WITHOUT ROWID; all other tasks cost nothing here.
 */
export const expiringResults = sqliteTable(
  "expiring_results",
  {
    /** Epoch ms. */
    expiresAt: integer("expires_at").notNull(),
    taskId: text("task_id").notNull(),
  },
  (table) => [primaryKey({ columns: [table.expiresAt, table.taskId] })],
);

import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { ReportKind } from "./period.ts";

/**
 * The requests to the API, many in a row. Written by the request log; read by reports; deleted by
 * `cleanup_old_logs` after LOG_DAYS. WITHOUT ROWID, so a row is one row written; the key is the order in
 * time, which every reader and the cleanup go by.
 */
export const apiLog = sqliteTable(
  "api_log",
  {
    /** Epoch ms of the first of its requests; the last came less than MAX_SPAN_MS later. */
    firstAt: integer("first_at").notNull(),
    /** Random: rows of several isolates may begin at once. */
    id: text().notNull(),
    /** JSON list of `LogEntry`. */
    entries: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.firstAt, table.id] })],
);

/**
 * Reports as they were made last. Written by their tasks, and written anew when one is made again; read by
 * requests, and by the next weekly report; deleted by nobody. WITHOUT ROWID.
 */
export const reports = sqliteTable(
  "reports",
  {
    kind: text().$type<ReportKind>().notNull(),
    /** `2025-06-26`, or the ISO week `2025-W26`: the order of the text is that of time. */
    period: text().notNull(),
    /** JSON object. */
    body: text().notNull(),
    /** False: the period had not ended when it was made. */
    isComplete: integer("is_complete", { mode: "boolean" }).notNull(),
    /** Epoch ms. */
    createdAt: integer("created_at").notNull(),
    /** The task that made it. */
    taskId: text("task_id").notNull(),
  },
  (table) => [primaryKey({ columns: [table.kind, table.period] })],
);

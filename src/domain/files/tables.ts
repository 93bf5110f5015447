import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** What a file is for. */
export type FileKind = "products" | "orders" | "image";

/**
 * - `uploading`: its bytes are on their way, or were lost on it; after a day it is cleaned up.
 * - `stored`: it is all there, and its task is submitted or in the outbox.
 * - `processing`: its task is at it, or waits for a retry.
 * - `processed`: final.
 * - `failed`: its task gave up; another run of it (a replay) may still process it.
 */
export type FileState = "uploading" | "stored" | "processing" | "processed" | "failed";

/**
 * Uploaded files; their bytes are in the object store under `files/<id>`. Written by uploads and by the
 * processing task; read by both; deleted by their owner or an admin, by an upload that failed, and by
 * the maintenance job when one never ended. WITHOUT ROWID. The second index is of uploads under way alone:
 * leaving it is free.
 */
export const files = sqliteTable(
  "files",
  {
    /** Begins with the time of the upload: in the order of time. */
    id: text().primaryKey(),
    /** The caller who uploaded it: only they (and admins) see it. */
    owner: text().notNull(),
    /** For people to read; never part of a key or a path. */
    name: text().notNull(),
    kind: text().$type<FileKind>().notNull(),
    /** The media type it was uploaded as. */
    contentType: text("content_type").notNull(),
    /** Bytes. */
    size: integer().notNull(),
    state: text().$type<FileState>().notNull(),
    /** The task that processes it; null while it is uploaded. */
    taskId: text("task_id"),
    /** Epoch ms. */
    createdAt: integer("created_at").notNull(),
    /** JSON text: what the task answered, or `{"error": …}`; null: nothing yet. */
    result: text(),
  },
  (table) => [
    index("files_owner").on(table.owner, table.id),
    index("files_uploading")
      .on(table.id)
      .where(sql`state = 'uploading'`),
  ],
);

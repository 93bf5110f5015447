import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** Whom a bulk notification is for, with everybody it may have known when it was asked for. */
export type Audience =
  | { readonly emails: readonly string[] }
  | { readonly userIds: readonly number[] }
  /** Those with an account, in parts that begin with these ids; `role` null: all of them. */
  | { readonly parts: readonly number[]; readonly role: "user" | null };

/**
 * Notifications to many, each kept once: its chunks say only which part of it they are. Written by
 * `send_bulk_notifications`, once; read by its chunks and their sum; deleted by nobody. WITHOUT ROWID.
 */
export const bulkNotifications = sqliteTable("bulk_notifications", {
  /** The task that was asked for it. */
  id: text().primaryKey(),
  subject: text().notNull(),
  message: text().notNull(),
  audience: text({ mode: "json" }).$type<Audience>().notNull(),
  /** People in one chunk, of those that are named. */
  chunkSize: integer("chunk_size").notNull(),
  /** Epoch ms. */
  createdAt: integer("created_at").notNull(),
});

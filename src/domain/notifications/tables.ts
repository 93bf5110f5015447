import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * Mails of the default transport. Written by it, once per task, recipient and template; read by requests;
 * deleted by nobody. WITHOUT ROWID.
 */
export const emails = sqliteTable(
  "emails",
  {
    taskId: text("task_id").notNull(),
    toAddress: text("to_address").notNull(),
    template: text().notNull(),
    messageId: text("message_id").notNull(),
    subject: text().notNull(),
    textBody: text("text_body").notNull(),
    htmlBody: text("html_body").notNull(),
    /** Epoch ms. */
    createdAt: integer("created_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.taskId, table.toAddress, table.template] })],
);

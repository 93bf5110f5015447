import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * - `pending`: it waits for a try, from `dueAt` on.
 * - `sending`: somebody has it in hand, until `dueAt`; who dies with it leaves it to the next.
 * - `sent`, `failed`: final. A failed one was refused for good, or never got out in its time.
 */
export const EMAIL_STATES = ["pending", "sending", "sent", "failed"] as const;
export type EmailState = (typeof EMAIL_STATES)[number];

/**
 * Every mail of the shop, once per key, recipient and template. Written by the mail desk, and in the batch
 * of whoever queues one; read by it and by requests; deleted by `cleanup_old_records` after MAIL_DAYS.
 * WITHOUT ROWID. Indexes: of those that are not through, for the sweep, apart from those that it can't send
 * (each mail is in one of the two, and leaving it is free); and by time, for people who look and the clean-up.
 */
export const emails = sqliteTable(
  "emails",
  {
    /** The task that sends it, or what else makes it one mail (`<event>:<id>`). */
    taskId: text("task_id").notNull(),
    toAddress: text("to_address").notNull(),
    template: text().notNull(),
    messageId: text("message_id").notNull(),
    subject: text().notNull(),
    /**
     * Both empty for a mail with a secret in it, and for bulk mail that is through, unless the transport
     * keeps mail instead of sending it.
     */
    textBody: text("text_body").notNull(),
    htmlBody: text("html_body").notNull(),
    /** Epoch ms. */
    createdAt: integer("created_at").notNull(),
    /** JSON object of further headers; null: none. */
    headers: text(),
    /** Those of before there were states were sent. */
    state: text().$type<EmailState>().notNull().default("sent"),
    /** Tries so far. */
    attempts: integer().notNull().default(1),
    /** Epoch ms, see `EmailState`; 0 when it is through. */
    dueAt: integer("due_at").notNull().default(0),
    /** What the provider said last; null: nothing went wrong. */
    reason: text(),
    /** The provider's own name for it; null: it has none, or did not say. */
    providerId: text("provider_id"),
    /**
     * The key that the transport was last asked for it under, with others. While it is not through: it is, or may
     * be, with the provider, and is asked for again only with all that have the key. Null: it is not out; `alone`: nor
     * is it, and it goes in no batch with others.
     */
    batchKey: text("batch_key"),
  },
  (table) => [
    primaryKey({ columns: [table.taskId, table.toAddress, table.template] }),
    index("emails_due")
      .on(table.dueAt)
      .where(sql`state IN ('pending', 'sending') AND text_body <> ''`),
    index("emails_due_secret")
      .on(table.dueAt)
      .where(sql`state IN ('pending', 'sending') AND text_body = ''`),
    index("emails_by_time").on(table.createdAt),
  ],
);

/**
 * - `hard_bounce`: the provider said that this mailbox will never take mail: nothing is sent to it.
 * - `unsubscribed`: its owner wants no bulk mail; all other mail is sent.
 */
export const SUPPRESSION_REASONS = ["hard_bounce", "unsubscribed"] as const;
export type SuppressionReason = (typeof SUPPRESSION_REASONS)[number];

/**
 * Addresses that are not written to. Written by the mail desk, by unsubscribing and by admins; read by the
 * desk before every send; deleted by admins. WITHOUT ROWID.
 */
export const suppressions = sqliteTable(
  "suppressions",
  {
    /** In lower case. */
    address: text().notNull(),
    reason: text().$type<SuppressionReason>().notNull(),
    /** What the provider said, or who added it; null for those who unsubscribed. */
    detail: text(),
    /** Epoch ms. */
    createdAt: integer("created_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.address, table.reason] })],
);

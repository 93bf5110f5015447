import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * - `charging`: the gateway was, or is about to be, asked; its answer is not known.
 * - `captured`: paid. Final.
 * - `declined`: refused; another try gets another key.
 */
export type PaymentState = "charging" | "captured" | "declined";

/**
 * One payment per order. Written by the payment task, before and after it asks the gateway; read by it
 * and by requests; deleted by nobody. WITHOUT ROWID.
 */
export const payments = sqliteTable("payments", {
  orderId: text("order_id").primaryKey(),
  state: text().$type<PaymentState>().notNull(),
  /** The task that asked last. Run again it gets the same answer; another (a replay) may ask anew. */
  taskId: text("task_id").notNull(),
  provider: text().notNull(),
  /** The provider's name for the charge; null until it is captured. */
  reference: text(),
  /** Why the last charge was declined; null if none was. */
  declineReason: text("decline_reason"),
  /** Charges declined so far. Part of the key: only a charge surely refused is followed by another. */
  declines: integer().notNull(),
  /** Epoch ms. */
  updatedAt: integer("updated_at").notNull(),
});

import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * - `charging`: the gateway was, or is about to be, asked; its answer is not known.
 * - `captured`: paid.
 * - `declined`: refused; another try gets another key.
 * - `refunding`: the money is to go back; the gateway was, or is about to be, asked.
 * - `refunded`: it is back. Final.
 * - `voided`: begun, and can't be charged any more, because the order was cancelled.
 */
export type PaymentState =
  | "charging"
  | "captured"
  | "declined"
  | "refunding"
  | "refunded"
  | "voided";

/**
 * One payment per order. Written by the payment tasks, before and after they ask the gateway, and by who
 * wants the money back, and by a restore; read by them and by requests; deleted by nobody. WITHOUT ROWID.
 */
export const payments = sqliteTable("payments", {
  orderId: text("order_id").primaryKey(),
  state: text().$type<PaymentState>().notNull(),
  /** The task that asked last. Run again it gets the same answer; another (a replay) may ask anew. */
  taskId: text("task_id").notNull(),
  provider: text().notNull(),
  /** The provider's name for the charge, stored before it is asked for money; null until it is opened. */
  reference: text(),
  /** Why the last charge was declined; null if none was. */
  declineReason: text("decline_reason"),
  /** Charges declined so far. Part of the key: only a charge surely refused is followed by another. */
  declines: integer().notNull(),
  /** Epoch ms. */
  updatedAt: integer("updated_at").notNull(),
  /** Refunds that the gateway refused so far: part of their key, as `declines` is of the charge's. */
  refusals: integer().notNull().default(0),
  /** Why the last refund was refused; null if none was. */
  refusalReason: text("refusal_reason"),
});

/**
 * What the gateway told by its webhook, once per event. Written with the task that applies it; read by that;
 * deleted by nobody. WITHOUT ROWID.
 */
export const paymentEvents = sqliteTable("payment_events", {
  /** The gateway's own. */
  id: text().primaryKey(),
  type: text().$type<"payment.captured" | "payment.declined" | "payment.refunded">().notNull(),
  orderId: text("order_id").notNull(),
  /** Minor units: what the charge was for, or how much of it went back. */
  amountMinor: integer("amount_minor").notNull(),
  /** ISO 4217. */
  currency: text().notNull(),
  /** The task that applies it. */
  taskId: text("task_id").notNull(),
  /** When it happened, by the gateway's clock, and when it was told; epoch ms. */
  createdAt: integer("created_at").notNull(),
  receivedAt: integer("received_at").notNull(),
});

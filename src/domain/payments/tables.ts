import { sql, type SQL } from "drizzle-orm";
import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { DifferenceKind } from "./reconcile-kinds.ts";

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

/** As queries have to write it, for the index below to serve them: what became of it is not known here. */
export const IS_UNSETTLED = sql`state IN ('charging', 'refunding')`;

/**
 * One payment per order. Written by the payment tasks, before and after they ask the gateway, by what settles
 * and reconciles them, by who wants the money back, and by a restore; read by them and by requests; deleted by
 * nobody. WITHOUT ROWID. The partial index costs a row when a payment enters it, and none when it leaves.
 */
export const payments = sqliteTable(
  "payments",
  {
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
  },
  (table) => [index("payments_unsettled").on(table.orderId).where(IS_UNSETTLED)],
);

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

/** As queries have to write it, for the index below to serve them. */
export const IS_OPEN = sql`resolved_at IS NULL`;
export const IS_RESOLVED = sql`resolved_at IS NOT NULL`;

/**
 * What the shop's payments and the gateway's book said differently, each with its figures once. Written by
 * `reconcile_payments`, and by who resolves one; read by requests; deleted by nobody. WITHOUT ROWID.
 */
export const paymentDifferences = sqliteTable(
  "payment_differences",
  {
    /** Made from kind, order, reference and figures: the same found again is the same row. */
    id: text().primaryKey(),
    kind: text().$type<DifferenceKind>().notNull(),
    /** Null: the charge names none. */
    orderId: text("order_id"),
    /** The gateway's name for the charge; null: there is none. */
    reference: text(),
    /** As they were when it was last found; null: there is none. */
    orderState: text("order_state"),
    paymentState: text("payment_state").$type<PaymentState>(),
    /** Minor units and ISO 4217: what is due; null: there is no such order. */
    dueMinor: integer("due_minor"),
    dueCurrency: text("due_currency"),
    /** What the gateway took, and what of it went back, minor units. */
    takenMinor: integer("taken_minor").notNull(),
    refundedMinor: integer("refunded_minor").notNull(),
    /** ISO 4217; null: the gateway did not say. */
    takenCurrency: text("taken_currency"),
    /** True: it was brought in order by the run that found it, or, while it is open, is being. */
    isMended: integer("is_mended", { mode: "boolean" }).notNull(),
    /** When the run that found it first, or anew, and that which found it last began; epoch ms. */
    firstSeenAt: integer("first_seen_at").notNull(),
    lastSeenAt: integer("last_seen_at").notNull(),
    /** Epoch ms; null: it is open. */
    resolvedAt: integer("resolved_at"),
    /** The caller who resolved it, for good; null: it was mended, or was no longer found. */
    resolvedBy: text("resolved_by"),
    /** What they said. */
    note: text(),
  },
  (table) => [
    index("payment_differences_open").on(table.firstSeenAt).where(IS_OPEN),
    index("payment_differences_resolved").on(table.firstSeenAt).where(IS_RESOLVED),
    index("payment_differences_seen").on(table.lastSeenAt),
  ],
);

/**
 * Whether a difference over an order is open, 1 or 0: then the gateway may have a charge of it that this database
 * doesn't know. Reads the open ones.
 */
export function hasOpenDifference(orderId: string): SQL<number> {
  return sql<number>`EXISTS (SELECT 1 FROM payment_differences INDEXED BY payment_differences_open
    WHERE resolved_at IS NULL AND order_id = ${orderId})`;
}

/** Complete runs of `reconcile_payments`. Written by it, one each; read by the next; deleted by nobody. */
export const paymentReconciliations = sqliteTable("payment_reconciliations", {
  /** Epoch ms: the time that was compared. */
  untilAt: integer("until_at").primaryKey(),
  fromAt: integer("from_at").notNull(),
  taskId: text("task_id").notNull(),
  checkedCharges: integer("checked_charges").notNull(),
  checkedPayments: integer("checked_payments").notNull(),
  /** Differences that it found, those of them that it mended, and those that are new and open. */
  differences: integer().notNull(),
  mended: integer().notNull(),
  fresh: integer().notNull(),
});

import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { Locale } from "../mail/index.ts";
import type { OrderState } from "./states.ts";

/**
 * Orders. Written by checkout (once, and when the shop or the customer moves it on) and by the payment tasks
 * (state); read by requests and tasks; deleted by nobody. WITHOUT ROWID. Indexes: an owner's list, and a
 * day's report.
 */
export const orders = sqliteTable(
  "orders",
  {
    /** The shop's own number, unique in the deployment. */
    id: text().primaryKey(),
    /** The caller who created it: only they (and the shop's people) see it. */
    owner: text().notNull(),
    userId: integer("user_id").notNull(),
    /** Minor units of the currency (cents). */
    amountMinor: integer("amount_minor").notNull(),
    /** ISO 4217. */
    currency: text().notNull(),
    customerEmail: text("customer_email").notNull(),
    /** Null: the deployment's. */
    locale: text().$type<Locale>(),
    state: text().$type<OrderState>().notNull(),
    /** The tasks that the order set off. */
    emailTaskId: text("email_task_id").notNull(),
    paymentTaskId: text("payment_task_id").notNull(),
    /** Epoch ms. */
    createdAt: integer("created_at").notNull(),
    /** The task that tells the sellers; null: none of its items has one. */
    sellerTaskId: text("seller_task_id"),
    /** When it was moved on, epoch ms each; null: it was not. */
    shippedAt: integer("shipped_at"),
    deliveredAt: integer("delivered_at"),
    cancelledAt: integer("cancelled_at"),
    refundedAt: integer("refunded_at"),
    /** What the gateway is to charge, by its own name for it; null: the gateway doesn't need it. */
    paymentMethod: text("payment_method"),
  },
  (table) => [
    index("orders_listed").on(table.owner, table.state, table.createdAt),
    index("orders_created").on(table.createdAt),
  ],
);

/**
 * What was ordered, for orders that say so. Written with the order; read by requests and by those who tell
 * sellers and customers; deleted by a restore where their order is missing. WITHOUT ROWID.
 */
export const orderItems = sqliteTable(
  "order_items",
  {
    orderId: text("order_id").notNull(),
    /** From 0, in the order of the request. */
    line: integer().notNull(),
    /** The article's number; null: it has none. */
    sku: text(),
    name: text().notNull(),
    quantity: integer().notNull(),
    /** Of one piece, minor units of the order's currency. */
    unitPriceMinor: integer("unit_price_minor").notNull(),
    /** The account that sells it; null: the shop itself. */
    sellerId: integer("seller_id"),
  },
  (table) => [primaryKey({ columns: [table.orderId, table.line] })],
);

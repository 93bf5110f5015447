import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { OrderState } from "./states.ts";

/**
 * Orders. Written by checkout (once) and by the payment task (state); read by requests and tasks; deleted
 * by nobody. WITHOUT ROWID. The index is for reports of a day.
 */
export const orders = sqliteTable(
  "orders",
  {
    /** The shop's own number, unique in the deployment. */
    id: text().primaryKey(),
    /** The caller who created it: only they (and admins) see it. */
    owner: text().notNull(),
    userId: integer("user_id").notNull(),
    /** Minor units of the currency (cents). */
    amountMinor: integer("amount_minor").notNull(),
    /** ISO 4217. */
    currency: text().notNull(),
    customerEmail: text("customer_email").notNull(),
    /** Null: the deployment's. */
    locale: text().$type<"en" | "ru">(),
    state: text().$type<OrderState>().notNull(),
    /** The tasks that the order set off. */
    emailTaskId: text("email_task_id").notNull(),
    paymentTaskId: text("payment_task_id").notNull(),
    /** Epoch ms. */
    createdAt: integer("created_at").notNull(),
  },
  (table) => [index("orders_created").on(table.createdAt)],
);

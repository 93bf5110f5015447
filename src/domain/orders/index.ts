import { and, eq, inArray } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { DeclaredSchedule } from "#engine";
import type { Order } from "./find-orders.ts";
import { orderConfirmation, sendOrderConfirmationEmail } from "./order-confirmation.ts";
import { orderTransition, statesBefore, type OrderEvent } from "./states.ts";
import { orders } from "./tables.ts";

export { findOrder, findOrders, type Order } from "./find-orders.ts";
export { sendOrderConfirmationEmail } from "./order-confirmation.ts";

export const orderTasks = [sendOrderConfirmationEmail] as const;
export const orderMails = [orderConfirmation];
export const orderSchedules = (_timezone: string): readonly DeclaredSchedule[] => [];

/** A task names an order that was never created: no retry will find it. */
export class OrderNotFoundError extends Error {
  override readonly name = "OrderNotFoundError";

  constructor(orderId: string) {
    super(`There is no order #${orderId}.`);
  }
}

/** The statement that writes a new order; fails the batch it is in when the id is taken. Rows written: 1. */
export function insertOrder(db: DrizzleD1Database, order: Order): BatchItem<"sqlite"> {
  return db.insert(orders).values(order);
}

/**
 * The statement that moves an order on. Guarded by the state: late or twice, it changes nothing.
 * Rows written: 1 or 0.
 */
export function moveOrder(
  db: DrizzleD1Database,
  orderId: string,
  event: OrderEvent,
): BatchItem<"sqlite"> {
  const from = statesBefore(event);
  const [to] = from.flatMap((state) => orderTransition(state, event) ?? []);
  return db
    .update(orders)
    .set({ state: to })
    .where(and(eq(orders.id, orderId), inArray(orders.state, from)));
}

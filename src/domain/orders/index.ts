import { and, eq, inArray, sql } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { orderTransition, statesBefore, type OrderEvent } from "./states.ts";
import { orders } from "./tables.ts";

/** An order as it is stored; see tables.ts for units. */
export type Order = typeof orders.$inferSelect;

/** A task names an order that was never created: no retry will find it. */
export class OrderNotFoundError extends Error {
  override readonly name = "OrderNotFoundError";

  constructor(orderId: string) {
    super(`There is no order #${orderId}.`);
  }
}

/** Null: no order has this id. */
export async function findOrder(db: DrizzleD1Database, orderId: string): Promise<Order | null> {
  const [order] = await db.select().from(orders).where(eq(orders.id, orderId));
  return order ?? null;
}

/** Those of the orders that exist, by id, in one query. */
export async function findOrders(
  db: DrizzleD1Database,
  orderIds: readonly string[],
): Promise<Map<string, Order>> {
  const ids = sql`(SELECT value FROM json_each(${JSON.stringify(orderIds)}))`;
  const found = await db.select().from(orders).where(inArray(orders.id, ids));
  return new Map(found.map((order) => [order.id, order]));
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

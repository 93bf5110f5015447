import { eq, inArray, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { orders } from "./tables.ts";

/** An order as it is stored; see tables.ts for units. */
export type Order = typeof orders.$inferSelect;

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

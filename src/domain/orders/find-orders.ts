import { and, desc, eq, inArray, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { ORDER_STATES, type OrderState } from "./states.ts";
import { orderItems, orders } from "./tables.ts";

/** An order as it is stored; see tables.ts for units. */
export type Order = typeof orders.$inferSelect;

/** One line of an order. */
export type OrderItem = Omit<typeof orderItems.$inferSelect, "orderId" | "line">;

/** A place in a list of orders, the newest first: what comes behind this one. */
export interface OrderPlace {
  readonly createdAt: number;
  readonly id: string;
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
  const found = await db
    .select()
    .from(orders)
    .where(inArray(orders.id, listed(orderIds)));
  return new Map(found.map((order) => [order.id, order]));
}

/** The lines of orders, by the order's id, in one query. */
export async function findItems(
  db: DrizzleD1Database,
  orderIds: readonly string[],
): Promise<Map<string, OrderItem[]>> {
  const found = await db
    .select()
    .from(orderItems)
    .where(inArray(orderItems.orderId, listed(orderIds)))
    .orderBy(orderItems.orderId, orderItems.line);
  const items = new Map<string, OrderItem[]>(orderIds.map((id) => [id, []]));
  for (const { orderId, line: _line, ...item } of found) items.get(orderId)?.push(item);
  return items;
}

/**
 * An owner's orders, the newest first. Reads `limit` rows of the index for each state it asks for: that
 * keeps a list of all of them in the one index that serves the list of one state.
 */
export async function listOrders(
  db: DrizzleD1Database,
  wanted: {
    readonly owner: string;
    /** Null: every state. */
    readonly state: OrderState | null;
    /** Null: from the newest on. */
    readonly after: OrderPlace | null;
    readonly limit: number;
  },
): Promise<Order[]> {
  const { owner, after, limit } = wanted;
  const behind = after && sql`(created_at, id) < (${after.createdAt}, ${after.id})`;
  const [first, ...rest] = (wanted.state === null ? ORDER_STATES : [wanted.state]).map((state) =>
    db
      .select()
      .from(orders)
      .where(and(eq(orders.owner, owner), eq(orders.state, state), behind ?? undefined))
      .orderBy(desc(orders.createdAt), desc(orders.id))
      .limit(limit),
  );
  const pages = first === undefined ? [] : await db.batch([first, ...rest]);
  return pages
    .flat()
    .sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))
    .slice(0, limit);
}

function listed(orderIds: readonly string[]) {
  return sql`(SELECT value FROM json_each(${JSON.stringify(orderIds)}))`;
}

import { and, count, eq, getTableColumns, inArray, sql, type SQL } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { Order, OrderItem } from "./find-orders.ts";
import { orderTransition, statesBefore, type OrderEvent } from "./states.ts";
import { orderItems, orders } from "./tables.ts";

const COLUMNS = Object.keys(getTableColumns(orders)) as (keyof Order)[];

/**
 * The statement that writes new orders, some hundreds at a time; fails the batch it is in when an id is taken.
 * Rows written: 3 each.
 */
export function insertOrders(db: DrizzleD1Database, all: readonly Order[]): BatchItem<"sqlite"> {
  const values = JSON.stringify(all.map((order) => COLUMNS.map((column) => order[column])));
  const columns = sql.raw(COLUMNS.map((_column, index) => `value ->> ${index}`).join(", "));
  return db.insert(orders).select(sql`SELECT ${columns} FROM json_each(${values})`);
}

/** The statement that writes the lines of a new order. Rows written: 1 each. */
export function insertItems(
  db: DrizzleD1Database,
  orderId: string,
  items: readonly OrderItem[],
): BatchItem<"sqlite"> {
  const values = JSON.stringify(
    items.map(({ sku, name, quantity, unitPriceMinor, sellerId }, line) => [
      ...[line, sku, name, quantity, unitPriceMinor, sellerId],
    ]),
  );
  return db.insert(orderItems).select(
    sql`SELECT ${orderId}, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5
      FROM json_each(${values})`,
  );
}

const IS_LOST = sql`order_id NOT IN (SELECT id FROM orders)`;

/** How many lines there are of orders that there are not. */
export async function countLostItems(db: DrizzleD1Database): Promise<number> {
  const [lost] = await db.select({ count: count() }).from(orderItems).where(IS_LOST);
  return lost?.count ?? 0;
}

/** Deletes them: they would be in the way of an order with that id. */
export async function deleteLostItems(db: DrizzleD1Database): Promise<void> {
  await db.delete(orderItems).where(IS_LOST);
}

/** Where the time of an event is kept, of those that have one. */
const TIMES = {
  ship: "shippedAt",
  deliver: "deliveredAt",
  cancel: "cancelledAt",
  refund: "refundedAt",
} as const;

/**
 * The statement that moves an order on. Guarded by the state: late or twice, it changes nothing.
 * Rows written: 2 or 0.
 */
export function moveOrder(
  db: DrizzleD1Database,
  orderId: string,
  event: OrderEvent,
  now: number,
): BatchItem<"sqlite"> {
  const from = statesBefore(event);
  const [to] = from.flatMap((state) => orderTransition(state, event) ?? []);
  const time = event === "pay" || event === "decline" ? {} : { [TIMES[event]]: now };
  return db
    .update(orders)
    .set({ state: to, ...time })
    .where(and(eq(orders.id, orderId), inArray(orders.state, from)));
}

/**
 * The statement that gives an order another payment: what is charged, and the task that does it.
 * Rows written: 1.
 */
export function setPayment(
  db: DrizzleD1Database,
  orderId: string,
  payment: Pick<Order, "paymentMethod" | "paymentTaskId">,
): BatchItem<"sqlite"> {
  return db.update(orders).set(payment).where(eq(orders.id, orderId));
}

/** For guards: what state the order with this id is in; null: there is none. */
export function orderState(orderId: string): SQL {
  return sql`(SELECT state FROM orders WHERE id = ${orderId})`;
}

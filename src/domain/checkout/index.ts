import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { Clock, Lovage, Outbox, TaskSpec } from "#engine";
import type { Locale } from "../mail/index.ts";
import {
  findItems,
  findOrder,
  findOrders,
  insertItems,
  insertOrders,
  sendOrderConfirmationEmail,
  sendSellerNotification,
  type Order,
  type OrderItem,
} from "../orders/index.ts";
import { processPaymentTask } from "../payments/index.ts";

export { changeOrder, type OrderRequest } from "./change-order.ts";
export { payAgain } from "./pay-again.ts";

/** An order as a shop hands it in. */
export interface NewOrder {
  readonly orderId: string;
  readonly userId: number;
  /** Minor units of the currency. */
  readonly amountMinor: number;
  /** ISO 4217. */
  readonly currency: string;
  readonly customerEmail: string;
  /** Null: the deployment's. */
  readonly locale: Locale | null;
  /** None: the order says only what it costs. With some, their sum is the amount. */
  readonly items: readonly OrderItem[];
  /** What the gateway is to charge, by its own name for it; absent: the gateway doesn't need it. */
  readonly paymentMethod?: string | undefined;
}

/**
 * - `created`: by this call.
 * - `same`: the same order was created before; nothing new was set off.
 * - `conflict`: the id belongs to an order with other content, or of another owner.
 */
export type CheckoutAnswer =
  | { readonly kind: "created" | "same"; readonly order: Order }
  | { readonly kind: "conflict" };

export interface CheckoutParts {
  readonly db: DrizzleD1Database;
  readonly outbox: Outbox<BatchItem<"sqlite">>;
  readonly clock: Clock;
  /** Lets the relay run on after the answer. */
  readonly background: (work: Promise<void>) => void;
}

/**
 * Creates an order and sets off its e-mail, its payment and the word to its sellers, in one D1 batch: none is
 * there without the others. Answers without waiting for the tasks.
 * @param also statements that go with it; should one of them fail, there is no order
 */
export async function createOrder(
  parts: CheckoutParts,
  lovage: Lovage,
  owner: string,
  input: NewOrder,
  also: readonly BatchItem<"sqlite">[] = [],
): Promise<CheckoutAnswer> {
  const { orderId: id, items } = input;
  const before = await findOrder(parts.db, id);
  if (before !== null) return compare(parts.db, before, owner, input);
  const tasks = await lovage.prepareRepeatable(tasksOf(input));
  const order = orderOf(input, owner, tasks, parts.clock.now());
  try {
    await parts.db.batch([
      insertOrders(parts.db, [order]),
      ...(items.length > 0 ? [insertItems(parts.db, id, items)] : []),
      ...also,
      parts.outbox.insert(tasks),
    ]);
  } catch (error) {
    // The id was taken in the meantime, or the answer got lost after the commit: the row tells which.
    const stored = await findOrder(parts.db, id);
    if (stored === null) throw error;
    if (stored.emailTaskId !== order.emailTaskId) return compare(parts.db, stored, owner, input);
  }
  // Should the relay be cut off, the sweep does it.
  parts.background(parts.outbox.relay(tasks));
  return { kind: "created", order };
}

/**
 * Creates many orders, some hundreds at most, in a few queries; each as `createOrder` would.
 * @returns one answer each, in their order
 */
export async function createOrders(
  parts: CheckoutParts,
  lovage: Lovage,
  owner: string,
  inputs: readonly NewOrder[],
): Promise<CheckoutAnswer[]> {
  const ids = [...new Set(inputs.map(({ orderId }) => orderId))];
  const before = await findOrders(parts.db, ids);
  const items = await findItems(parts.db, [...before.keys()]);
  const firsts = new Map(inputs.toReversed().map((input) => [input.orderId, input]));
  const fresh = inputs.filter((input) => {
    const isFirst = firsts.get(input.orderId) === input;
    return isFirst && input.items.length === 0 && !before.has(input.orderId);
  });
  const created = await insertFresh(parts, lovage, owner, fresh);
  const answers: CheckoutAnswer[] = [];
  for (const input of inputs) {
    const mine = created.get(input.orderId);
    const order = before.get(input.orderId) ?? mine;
    const isFirst = firsts.get(input.orderId) === input;
    if (mine !== undefined && isFirst) answers.push({ kind: "created", order: mine });
    else if (order === undefined) answers.push(await createOrder(parts, lovage, owner, input));
    else answers.push(compareTo(order, items.get(order.id) ?? [], owner, input));
  }
  return answers;
}

/** Orders without lines, all in one batch. @returns them by id; none when one of them is taken by now */
async function insertFresh(
  { db, outbox, clock, background }: CheckoutParts,
  lovage: Lovage,
  owner: string,
  inputs: readonly NewOrder[],
): Promise<Map<string, Order>> {
  if (inputs.length === 0) return new Map();
  const calls = inputs.map(tasksOf);
  const tasks = await lovage.prepareRepeatable(calls.flat());
  const now = clock.now();
  let at = 0;
  const orders = inputs.map((input, index) => {
    const own = tasks.slice(at, (at += calls[index]?.length ?? 0));
    return orderOf(input, owner, own, now);
  });
  try {
    await db.batch([insertOrders(db, orders), outbox.insert(tasks)]);
  } catch {
    // One by one they tell which of them it was, or that they are there and only the answer got lost.
    return new Map();
  }
  background(outbox.relay(tasks));
  return new Map(orders.map((order) => [order.id, order]));
}

/** What an order sets off. */
function tasksOf({ orderId: id, customerEmail, items }: NewOrder) {
  const hasSellers = items.some(({ sellerId }) => sellerId !== null);
  return [
    sendOrderConfirmationEmail.s({ order_id: id, customer_email: customerEmail }),
    processPaymentTask.s({ order_id: id }),
    ...(hasSellers ? [sendSellerNotification.s({ order_id: id })] : []),
  ];
}

/** @param tasks those of `tasksOf`, in their order */
function orderOf(
  { orderId: id, items: _items, paymentMethod, ...content }: NewOrder,
  owner: string,
  tasks: readonly TaskSpec[],
  createdAt: number,
): Order {
  return {
    id,
    owner,
    ...content,
    state: "pending",
    emailTaskId: tasks[0]?.id ?? "",
    paymentTaskId: tasks[1]?.id ?? "",
    createdAt,
    sellerTaskId: tasks[2]?.id ?? null,
    shippedAt: null,
    deliveredAt: null,
    cancelledAt: null,
    refundedAt: null,
    paymentMethod: paymentMethod ?? null,
  };
}

async function compare(
  db: DrizzleD1Database,
  order: Order,
  owner: string,
  input: NewOrder,
): Promise<CheckoutAnswer> {
  const items = (await findItems(db, [order.id])).get(order.id) ?? [];
  return compareTo(order, items, owner, input);
}

function compareTo(
  order: Order,
  items: readonly OrderItem[],
  owner: string,
  input: NewOrder,
): CheckoutAnswer {
  const isSame =
    order.owner === owner &&
    order.userId === input.userId &&
    order.amountMinor === input.amountMinor &&
    order.currency === input.currency &&
    order.customerEmail === input.customerEmail &&
    order.locale === input.locale &&
    order.paymentMethod === (input.paymentMethod ?? null);
  const hasSameItems =
    items.length === input.items.length &&
    items.every((item, line) => isSameItem(item, input.items[line]));
  return isSame && hasSameItems ? { kind: "same", order } : { kind: "conflict" };
}

function isSameItem(a: OrderItem, b: OrderItem | undefined): boolean {
  return (
    a.sku === b?.sku &&
    a.name === b.name &&
    a.quantity === b.quantity &&
    a.unitPriceMinor === b.unitPriceMinor &&
    a.sellerId === b.sellerId
  );
}

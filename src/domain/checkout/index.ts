import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { Clock, Lovage, Outbox } from "#engine";
import type { Locale } from "../mail/index.ts";
import {
  findItems,
  findOrder,
  insertItems,
  insertOrder,
  sendOrderConfirmationEmail,
  sendSellerNotification,
  type Order,
  type OrderItem,
} from "../orders/index.ts";
import { processPaymentTask } from "../payments/index.ts";

export { changeOrder, type OrderRequest } from "./change-order.ts";

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
  const { orderId: id, items, ...content } = input;
  const before = await findOrder(parts.db, id);
  if (before !== null) return compare(parts.db, before, owner, input);
  const hasSellers = items.some(({ sellerId }) => sellerId !== null);
  const tasks = await lovage.prepareRepeatable([
    sendOrderConfirmationEmail.s({
      order_id: id,
      customer_email: input.customerEmail,
    }),
    processPaymentTask.s({ order_id: id }),
    ...(hasSellers ? [sendSellerNotification.s({ order_id: id })] : []),
  ]);
  const order: Order = {
    id,
    owner,
    ...content,
    state: "pending",
    emailTaskId: tasks[0]?.id ?? "",
    paymentTaskId: tasks[1]?.id ?? "",
    createdAt: parts.clock.now(),
    sellerTaskId: tasks[2]?.id ?? null,
    shippedAt: null,
    deliveredAt: null,
    cancelledAt: null,
    refundedAt: null,
  };
  try {
    await parts.db.batch([
      insertOrder(parts.db, order),
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

async function compare(
  db: DrizzleD1Database,
  order: Order,
  owner: string,
  input: NewOrder,
): Promise<CheckoutAnswer> {
  const isSame =
    order.owner === owner &&
    order.userId === input.userId &&
    order.amountMinor === input.amountMinor &&
    order.currency === input.currency &&
    order.customerEmail === input.customerEmail &&
    order.locale === input.locale;
  if (!isSame) return { kind: "conflict" };
  const items = (await findItems(db, [order.id])).get(order.id) ?? [];
  const hasSameItems =
    items.length === input.items.length &&
    items.every((item, line) => isSameItem(item, input.items[line]));
  return hasSameItems ? { kind: "same", order } : { kind: "conflict" };
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

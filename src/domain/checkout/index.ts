import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { Clock, Lovage, Outbox } from "#engine";
import type { Locale } from "../mail/index.ts";
import { findOrder, insertOrder, sendOrderConfirmationEmail, type Order } from "../orders/index.ts";
import { processPaymentTask } from "../payments/index.ts";

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
 * Creates an order and sets off its e-mail and its payment, in one D1 batch: none is there without the
 * others. Answers without waiting for the tasks.
 */
export async function createOrder(
  parts: CheckoutParts,
  lovage: Lovage,
  owner: string,
  input: NewOrder,
): Promise<CheckoutAnswer> {
  const before = await findOrder(parts.db, input.orderId);
  if (before !== null) return compare(before, owner, input);
  const tasks = await lovage.prepareRepeatable([
    sendOrderConfirmationEmail.s({
      order_id: input.orderId,
      customer_email: input.customerEmail,
    }),
    processPaymentTask.s({ order_id: input.orderId }),
  ]);
  const { orderId: id, ...content } = input;
  const order: Order = {
    id,
    owner,
    ...content,
    state: "pending",
    emailTaskId: tasks[0]?.id ?? "",
    paymentTaskId: tasks[1]?.id ?? "",
    createdAt: parts.clock.now(),
  };
  try {
    await parts.db.batch([insertOrder(parts.db, order), parts.outbox.insert(tasks)]);
  } catch (error) {
    // The id was taken in the meantime, or the answer got lost after the commit: the row tells which.
    const stored = await findOrder(parts.db, id);
    if (stored === null) throw error;
    if (stored.emailTaskId !== order.emailTaskId) return compare(stored, owner, input);
  }
  // Should the relay be cut off, the sweep does it.
  parts.background(parts.outbox.relay(tasks));
  return { kind: "created", order };
}

function compare(order: Order, owner: string, input: NewOrder): CheckoutAnswer {
  const isSame =
    order.owner === owner &&
    order.userId === input.userId &&
    order.amountMinor === input.amountMinor &&
    order.currency === input.currency &&
    order.customerEmail === input.customerEmail &&
    order.locale === input.locale;
  return isSame ? { kind: "same", order } : { kind: "conflict" };
}

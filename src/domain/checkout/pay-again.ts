import { sql } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { Lovage, Outbox } from "#engine";
import { findOrder, orderState, setPayment, type Order } from "../orders/index.ts";
import { findPayment, paymentState, processPaymentTask } from "../payments/index.ts";
import { failUnless } from "../services/index.ts";

interface PayingParts {
  readonly db: DrizzleD1Database;
  readonly outbox: Outbox<BatchItem<"sqlite">>;
  /** Lets the relay run on after the answer. */
  readonly background: (work: Promise<void>) => void;
}

/**
 * Has an order whose payment was declined paid by something else: stores what is to be charged now, and sets
 * off the task that charges it, in one D1 batch. Every call is a try; of several at once only one charge is
 * ever open, so the money is taken once. Rows written: 2.
 * @param paymentMethod null: as before
 * @returns null: there is no such order; `conflict`: it is not one whose payment was declined
 */
export async function payAgain(
  { db, outbox, background }: PayingParts,
  lovage: Lovage,
  orderId: string,
  paymentMethod: string | null,
): Promise<{ readonly kind: "done" | "conflict"; readonly order: Order } | null> {
  const [order, payment] = await Promise.all([findOrder(db, orderId), findPayment(db, orderId)]);
  if (order === null) return null;
  if (order.state !== "payment_failed" || payment?.state !== "declined") {
    return { kind: "conflict", order };
  }
  const tasks = await lovage.prepareRepeatable([processPaymentTask.s({ order_id: orderId })]);
  const next = {
    paymentMethod: paymentMethod ?? order.paymentMethod,
    paymentTaskId: tasks[0]?.id ?? order.paymentTaskId,
  };
  const isDeclined = sql`${orderState(orderId)} = 'payment_failed'
    AND ${paymentState(orderId)} = 'declined'`;
  try {
    await db.batch([
      failUnless(db, isDeclined),
      setPayment(db, orderId, next),
      outbox.insert(tasks),
    ]);
  } catch (error) {
    // Another call's charge began meanwhile, or the answer got lost after the commit: the row tells which.
    const now = await findOrder(db, orderId);
    if (now === null) return null;
    if (now.paymentTaskId !== next.paymentTaskId) {
      const state = (await findPayment(db, orderId))?.state;
      if (now.state === "payment_failed" && state === "declined") throw error;
      return { kind: "conflict", order: now };
    }
  }
  background(outbox.relay(tasks));
  return { kind: "done", order: { ...order, ...next } };
}

import { and, eq, ne } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { Clock } from "#engine";
import { moveOrder, type Order } from "../orders/index.ts";
import {
  PaymentAmountError,
  PaymentDeclinedError,
  PaymentProviderChangedError,
  type Charge,
  type ChargeRequest,
  type PaymentGateway,
} from "./gateway.ts";
import { payments } from "./tables.ts";

interface Parts {
  readonly db: DrizzleD1Database;
  readonly gateway: PaymentGateway;
  readonly clock: Clock;
}

type Payment = typeof payments.$inferSelect;

/** The payment of an order; null until its task first ran. */
export async function findPayment(db: DrizzleD1Database, orderId: string): Promise<Payment | null> {
  const [payment] = await db.select().from(payments).where(eq(payments.orderId, orderId));
  return payment ?? null;
}

/**
 * Takes the payment of an order, once, whatever is repeated: intent is written before the gateway is
 * asked, the key comes from the order, and after an unknown outcome the gateway is asked what happened
 * before it is asked again. A crash between any two lines is mended by the next run.
 * @returns the order, paid
 * @throws PaymentDeclinedError, PaymentProviderChangedError, PaymentAmountError (final); any other error: try again
 */
export async function processPayment(parts: Parts, order: Order, taskId: string): Promise<Order> {
  if (order.state === "paid") return order;
  const { payment, isFirst } = await beginCharge(parts, order, taskId);
  if (payment.state === "captured")
    return record(parts, order, payment, capturedBy(payment, order));
  if (payment.state === "declined") throw new PaymentDeclinedError(payment.declineReason ?? "");
  if (payment.provider !== parts.gateway.provider) {
    throw new PaymentProviderChangedError(payment.provider, parts.gateway.provider);
  }
  const request: ChargeRequest = {
    idempotencyKey: `order:${order.id}:${payment.declines}`,
    orderId: order.id,
    amountMinor: order.amountMinor,
    currency: order.currency,
  };
  const known = isFirst ? null : await parts.gateway.lookUp(request.idempotencyKey);
  return record(parts, order, payment, known ?? (await parts.gateway.charge(request)));
}

/**
 * Writes that the gateway is about to be asked. `isFirst`: nobody can have asked under this key before.
 * Two runs at once: one inserts, the other finds `charging` and looks up first; if both charge, they do
 * so under one key. Rows written: 1, or 0 when an earlier run had begun.
 */
async function beginCharge(
  { db, gateway, clock }: Parts,
  order: Order,
  taskId: string,
): Promise<{ payment: Payment; isFirst: boolean }> {
  const fresh: Payment = {
    orderId: order.id,
    state: "charging",
    taskId,
    provider: gateway.provider,
    reference: null,
    declineReason: null,
    declines: 0,
    updatedAt: clock.now(),
  };
  const inserted = await db.insert(payments).values(fresh).onConflictDoNothing().returning();
  if (inserted[0] !== undefined) return { payment: inserted[0], isFirst: true };
  // After a decline another task (a replay, asked for by a person) charges again, under the next key.
  const reopened = await db
    .update(payments)
    .set({ state: "charging", taskId, provider: gateway.provider, updatedAt: clock.now() })
    .where(
      and(
        eq(payments.orderId, order.id),
        eq(payments.state, "declined"),
        ne(payments.taskId, taskId),
      ),
    )
    .returning();
  if (reopened[0] !== undefined) return { payment: reopened[0], isFirst: true };
  const [payment] = await db.select().from(payments).where(eq(payments.orderId, order.id));
  return { payment: payment ?? fresh, isFirst: false };
}

/**
 * Writes what the gateway said, payment and order in one batch. Both updates are guarded by the state:
 * a zombie's late write changes nothing. Rows written: 2.
 */
async function record(
  { db, clock }: Parts,
  order: Order,
  payment: Payment,
  charge: Charge,
): Promise<Order> {
  const isPaid = charge.status === "captured";
  if (isPaid && charge.amountMinor !== order.amountMinor) {
    throw new PaymentAmountError(order.id, charge.amountMinor, order.amountMinor);
  }
  const change = isPaid
    ? { state: "captured" as const, reference: charge.reference }
    : { state: "declined" as const, declineReason: charge.reason, declines: payment.declines + 1 };
  await db.batch([
    db
      .update(payments)
      .set({ ...change, updatedAt: clock.now() })
      .where(
        and(
          eq(payments.orderId, order.id),
          ne(payments.state, "captured"),
          eq(payments.declines, payment.declines),
        ),
      ),
    moveOrder(db, order.id, isPaid ? "pay" : "decline"),
  ]);
  if (!isPaid) throw new PaymentDeclinedError(charge.reason);
  return { ...order, state: "paid" };
}

/** What was recorded, and checked, before a crash kept it from the order. */
function capturedBy(payment: Payment, { amountMinor }: Order): Charge {
  return { status: "captured", reference: payment.reference ?? "", amountMinor };
}

import { and, eq, getTableColumns, inArray, isNull, ne, sql, type SQL } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { Clock, Outbox, TaskSpec } from "#engine";
import type { Locale, MailDesk } from "../mail/index.ts";
import { findOrder, moveOrder, orderState, type Order } from "../orders/index.ts";
import { failUnless } from "../services/index.ts";
import {
  PaymentAmountError,
  PaymentProviderChangedError,
  PaymentUnavailableError,
  type Charge,
  type PaymentGateway,
} from "./gateway.ts";
import { hasOpenDifference, payments } from "./tables.ts";

/** What the payment tasks work with. */
export interface PaymentParts {
  readonly db: DrizzleD1Database;
  readonly gateway: PaymentGateway;
  readonly mail: MailDesk;
  readonly outbox: Outbox<BatchItem<"sqlite">>;
  readonly clock: Clock;
  readonly locale: Locale;
  /** A task that gives an order's money back, for the outbox. */
  prepareRefund(orderId: string): Promise<TaskSpec[]>;
}

export type Payment = typeof payments.$inferSelect;

type Captured = Extract<Charge, { status: "captured" }>;

/** The payment of an order; null until its task first ran. */
export async function findPayment(db: DrizzleD1Database, orderId: string): Promise<Payment | null> {
  const [payment] = await db.select().from(payments).where(eq(payments.orderId, orderId));
  return payment ?? null;
}

/** Those of the orders whose money is on its way back, or is back, in one query. */
export async function refundedOrders(
  db: DrizzleD1Database,
  orderIds: readonly string[],
): Promise<Set<string>> {
  const ids = sql`(SELECT value FROM json_each(${JSON.stringify(orderIds)}))`;
  const found = await db
    .select({ orderId: payments.orderId })
    .from(payments)
    .where(and(inArray(payments.orderId, ids), inArray(payments.state, ["refunding", "refunded"])));
  return new Set(found.map(({ orderId }) => orderId));
}

/** The key of a payment's charge: only a charge surely declined is followed by another. */
export function chargeKeyOf({ orderId, declines }: Pick<Payment, "orderId" | "declines">): string {
  return `order:${orderId}:${declines}`;
}

/** @throws PaymentUnavailableError when no charge was opened, or another run is about to open it */
export function chargeOf({ orderId, reference }: Payment): string {
  if (reference === null) throw new PaymentUnavailableError(`Order #${orderId} has no charge yet.`);
  return reference;
}

/**
 * The payment with the charge that its gateway knows of under its key, stored now if it was not; as it is if
 * there is none.
 */
export async function withCharge(parts: PaymentParts, payment: Payment): Promise<Payment> {
  if (payment.reference !== null) return payment;
  const found = await parts.gateway.find(chargeKeyOf(payment));
  if (found === null) return payment;
  return (await storeReference(parts, payment, found)) ?? payment;
}

/** @throws PaymentProviderChangedError */
export function checkProvider(payment: Payment, gateway: PaymentGateway): void {
  if (payment.provider !== gateway.provider) {
    throw new PaymentProviderChangedError(payment.provider, gateway.provider);
  }
}

/**
 * Writes that the gateway is about to be asked for a charge. `isFirst`: nobody can have asked under this key
 * before, nor does the gateway's book have a charge of an order that a lost database forgot. Two runs at once: one inserts, the other finds `charging` and looks up first; if both charge, they
 * do so under one key. Nothing is begun for an order that was cancelled, not even at this very moment.
 * Rows written: 2, the index of what is unsettled with it, or 0 when an earlier run had begun.
 * @returns null: nothing was begun, or will be
 */
export async function beginCharge(
  { db, gateway, clock }: PaymentParts,
  order: Order,
  taskId: string,
): Promise<{ payment: Payment; isFirst: boolean } | null> {
  const isPayable = sql`${orderState(order.id)} IN ('pending', 'payment_failed')`;
  const now = clock.now();
  const inserted = await db
    .insert(payments)
    .select(
      sql`SELECT ${order.id}, 'charging', ${taskId}, ${gateway.provider}, NULL, NULL, 0, ${now}, 0, NULL
        WHERE ${isPayable}`,
    )
    .onConflictDoNothing()
    .returning({ ...getTableColumns(payments), isKnownThere: hasOpenDifference(order.id) });
  if (inserted[0] !== undefined) {
    const { isKnownThere, ...payment } = inserted[0];
    return { payment, isFirst: isKnownThere === 0 };
  }
  // After a decline another task (a replay, asked for by a person) charges again, under the next key.
  const reopened = await db
    .update(payments)
    .set({ state: "charging", taskId, provider: gateway.provider, reference: null, updatedAt: now })
    .where(
      and(
        eq(payments.orderId, order.id),
        eq(payments.state, "declined"),
        ne(payments.taskId, taskId),
        isPayable,
      ),
    )
    .returning();
  // Not surely the first under it: a database that was restored doesn't know of a replay since.
  if (reopened[0] !== undefined) return { payment: reopened[0], isFirst: false };
  const payment = await findPayment(db, order.id);
  return payment && { payment, isFirst: false };
}

/**
 * Stores what the gateway calls the charge, before it is asked for money: of two runs with different ones the
 * first wins. Rows written: 1, or 0 when it is stored.
 * @returns the payment as it is now
 */
export async function storeReference(
  { db, clock }: PaymentParts,
  { orderId, declines }: Payment,
  reference: string,
): Promise<Payment | null> {
  const [stored] = await db
    .update(payments)
    .set({ reference, updatedAt: clock.now() })
    .where(
      and(
        eq(payments.orderId, orderId),
        eq(payments.declines, declines),
        eq(payments.state, "charging"),
        isNull(payments.reference),
      ),
    )
    .returning();
  return stored ?? findPayment(db, orderId);
}

/**
 * Whether a capture of its charge is news to a payment. One that was declined and is for an order that is still
 * open is left to its task, and to a person.
 */
export function mayBeCaptured({ state }: Payment, order: Order): boolean {
  if (state === "declined") return order.state === "cancelled";
  return state === "charging" || state === "voided";
}

/**
 * Writes that the money was taken, payment and order in one batch. If the order was cancelled meanwhile the
 * money goes back: that is set off in the same batch; so is an order cancelled whose money went back before
 * anybody here knew of it, for its refund to be written. All is guarded by the state: a zombie's late write
 * changes nothing. Rows written: 3, of the order two.
 * @returns what became of the order
 * @throws PaymentAmountError
 */
export async function recordCapture(
  parts: PaymentParts,
  order: Order,
  payment: Payment,
  { amountMinor, reference, refundedMinor }: Captured,
): Promise<"paid" | "cancelled"> {
  const { db, clock, outbox } = parts;
  if (amountMinor !== order.amountMinor) {
    throw new PaymentAmountError(order.id, amountMinor, order.amountMinor);
  }
  const updatedAt = clock.now();
  const isOurs = and(eq(payments.orderId, order.id), eq(payments.declines, payment.declines));
  // Nobody is to ship what was paid back: the order waits for nothing but its refund being written.
  const isBack = refundedMinor >= amountMinor;
  const states = isBack ? sql`IN ('pending', 'payment_failed')` : sql`<> 'cancelled'`;
  try {
    await db.batch([
      failUnless(db, sql`${orderState(order.id)} ${states}`),
      db
        .update(payments)
        .set({ state: isBack ? "refunding" : "captured", reference, updatedAt })
        .where(and(isOurs, eq(payments.state, "charging"))),
      moveOrder(db, order.id, isBack ? "cancel" : "pay", updatedAt),
      ...(isBack ? [outbox.insert(await parts.prepareRefund(order.id))] : []),
    ]);
    return isBack ? "cancelled" : "paid";
  } catch (error) {
    const { state } = (await findOrder(db, order.id)) ?? order;
    if (state !== "cancelled") throw error;
    // The sweep of the outbox relays it.
    await db.batch([
      db
        .update(payments)
        .set({ state: "refunding", reference, updatedAt })
        .where(and(isOurs, inArray(payments.state, ["charging", "voided", "declined"]))),
      outbox.insert(await parts.prepareRefund(order.id)),
    ]);
    return "cancelled";
  }
}

/** Writes that the charge was declined, payment and order in one batch; guarded as `recordCapture`. Rows written: 3. */
export async function recordDecline(
  { db, clock }: PaymentParts,
  { orderId, declines }: Payment,
  declineReason: string,
): Promise<void> {
  const updatedAt = clock.now();
  await db.batch([
    db
      .update(payments)
      .set({ state: "declined", declineReason, declines: declines + 1, updatedAt })
      .where(
        and(
          eq(payments.orderId, orderId),
          eq(payments.state, "charging"),
          eq(payments.declines, declines),
        ),
      ),
    moveOrder(db, orderId, "decline", updatedAt),
  ]);
}

/**
 * Writes that nothing was charged, nor will be: the order was cancelled, and so was the charge, or none was
 * opened. One that was opened since is not voided.
 */
export async function recordVoid(
  { db, clock }: PaymentParts,
  { orderId, reference }: Payment,
): Promise<void> {
  await db
    .update(payments)
    .set({ state: "voided", updatedAt: clock.now() })
    .where(
      and(
        eq(payments.orderId, orderId),
        eq(payments.state, "charging"),
        reference === null ? isNull(payments.reference) : eq(payments.reference, reference),
      ),
    );
}

/** For guards: what state the payment of an order is in; null: there is none. */
export function paymentState(orderId: string): SQL {
  return sql`(SELECT state FROM payments WHERE order_id = ${orderId})`;
}

import { eq } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { Clock, Lovage, Outbox, Signature } from "#engine";
import { findOrder, type Order } from "../orders/index.ts";
import { PaymentAmountError, type PaymentEvent } from "./gateway.ts";
import {
  checkProvider,
  findPayment,
  mayBeCaptured,
  recordCapture,
  recordDecline,
  withCharge,
  type PaymentParts,
} from "./payment-book.ts";
import { recordRefund } from "./refund-book.ts";
import { paymentEvents } from "./tables.ts";

type StoredEvent = typeof paymentEvents.$inferSelect;

/** A task names an event that was never received. */
export class PaymentEventNotFoundError extends Error {
  override readonly name = "PaymentEventNotFoundError";
}

/** An event speaks of another amount or currency than its order's: a person has to look. */
export class PaymentEventMismatchError extends Error {
  override readonly name = "PaymentEventMismatchError";
}

interface ReceivingParts {
  readonly db: DrizzleD1Database;
  readonly outbox: Outbox<BatchItem<"sqlite">>;
  readonly clock: Clock;
  /** Lets the relay run on after the answer. */
  readonly background: (work: Promise<void>) => void;
}

/**
 * Stores an event and sets off the task that applies it, in one batch; one that was told before is known by
 * its id, and nothing is set off again.
 * @param applying the task's call for an event's id
 * @returns the id of the task
 */
export async function receiveEvent(
  { db, outbox, clock, background }: ReceivingParts,
  lovage: Lovage,
  event: PaymentEvent,
  applying: (eventId: string) => Signature,
): Promise<string> {
  const known = await findEvent(db, event.id);
  if (known !== null) return known.taskId;
  const tasks = await lovage.prepareRepeatable([applying(event.id)]);
  const stored: StoredEvent = { ...event, taskId: tasks[0]?.id ?? "", receivedAt: clock.now() };
  try {
    await db.batch([db.insert(paymentEvents).values(stored), outbox.insert(tasks)]);
  } catch (error) {
    // It was told twice at the same time, or the answer got lost after the commit: the row tells which.
    const other = await findEvent(db, event.id);
    if (other === null) throw error;
    if (other.taskId !== stored.taskId) return other.taskId;
  }
  background(outbox.relay(tasks));
  return stored.taskId;
}

/**
 * Applies an event: brings payment and order to what the gateway says of them now. The event says only
 * where to look, so it doesn't matter how often events come, or in which order.
 * @throws PaymentEventNotFoundError, PaymentEventMismatchError, PaymentProviderChangedError, PaymentAmountError (final); any other error: try again
 */
export async function applyEvent(
  parts: PaymentParts,
  eventId: string,
): Promise<{ order_id: string; order_state: string | null; note?: string }> {
  const event = await findEvent(parts.db, eventId);
  if (event === null) throw new PaymentEventNotFoundError(`There is no payment event ${eventId}.`);
  const order = await findOrder(parts.db, event.orderId);
  if (order === null) {
    return { order_id: event.orderId, order_state: null, note: "There is no such order." };
  }
  checkMatch(event, order);
  const note = await followGateway(parts, order);
  const after = await findOrder(parts.db, order.id);
  return {
    order_id: order.id,
    order_state: after?.state ?? null,
    ...(note !== null && { note }),
  };
}

/**
 * Brings payment and order to what the gateway says of them now: how anything but a payment's own task learns an
 * outcome. Takes no money and gives none; only what was captured for a cancelled order goes back, as when it is
 * captured then. Safe to repeat, and late.
 * @returns why nothing could be changed; null: what there was to change was
 * @throws PaymentProviderChangedError, PaymentAmountError (final); any other error: try again
 */
export async function followGateway(parts: PaymentParts, order: Order): Promise<string | null> {
  const begun = await findPayment(parts.db, order.id);
  if (begun === null) return "No payment was begun.";
  checkProvider(begun, parts.gateway);
  // No money is asked for before it is stored: a database that was restored has forgotten it.
  const payment = await withCharge(parts, begun);
  if (payment.reference === null) return "No charge was opened.";
  const charge = await parts.gateway.lookUp(payment.reference);
  if (charge === null) return "The gateway has taken nothing yet.";
  if (charge.status === "declined") {
    if (payment.state === "charging") await recordDecline(parts, payment, charge.reason);
    return null;
  }
  if (charge.amountMinor !== order.amountMinor) {
    throw new PaymentAmountError(order.id, charge.amountMinor, order.amountMinor);
  }
  if (mayBeCaptured(payment, order)) await recordCapture(parts, order, payment, charge);
  if (charge.refundedMinor < charge.amountMinor) {
    return charge.refundedMinor > 0 ? "Only a part of the money went back." : null;
  }
  if (payment.state !== "refunded") await recordRefund(parts, order);
  return null;
}

function checkMatch({ id, type, amountMinor, currency }: StoredEvent, order: Order): void {
  // A part of the money may go back, but never more than all of it.
  const isRight =
    type === "payment.refunded"
      ? amountMinor <= order.amountMinor
      : amountMinor === order.amountMinor;
  if (isRight && currency === order.currency) return;
  throw new PaymentEventMismatchError(
    `The event ${id} says ${amountMinor} ${currency}; order #${order.id} is ${order.amountMinor} ${order.currency}.`,
  );
}

async function findEvent(db: DrizzleD1Database, eventId: string): Promise<StoredEvent | null> {
  const [event] = await db.select().from(paymentEvents).where(eq(paymentEvents.id, eventId));
  return event ?? null;
}

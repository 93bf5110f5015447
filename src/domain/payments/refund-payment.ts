import { RetryAfterError } from "#engine";
import type { Order } from "../orders/index.ts";
import { PaymentUnavailableError, RefundRefusedError } from "./gateway.ts";
import {
  chargeKeyOf,
  checkProvider,
  findPayment,
  recordCapture,
  recordDecline,
  recordRefund,
  recordRefusal,
  recordVoid,
  type Payment,
  type PaymentParts,
} from "./payment-book.ts";

/**
 * A charge that was begun before its order was cancelled has arrived by then: its task was cut off after two
 * minutes, its request after half a minute more.
 */
const LAST_CHARGE_MS = 180_000;

/**
 * Gives the money of an order back, once, whatever is repeated: that it is to go back was written before,
 * the key comes from the order, and the gateway is asked what went back before it is asked to give anything.
 * Of an order that was cancelled while it was charged it first finds out what became of the charge.
 * @returns `nothing`: nobody asked for it, or nothing was taken
 * @throws RefundRefusedError, PaymentProviderChangedError, PaymentAmountError (final); any other error: try again
 */
export async function refundPayment(
  parts: PaymentParts,
  order: Order,
): Promise<"refunded" | "nothing"> {
  const payment = await settledPayment(parts, order);
  if (payment?.state === "refunded") return "refunded";
  if (payment?.state !== "refunding") return "nothing";
  checkProvider(payment, parts.gateway);
  const charge = await parts.gateway.lookUp(chargeKeyOf(payment));
  if (charge?.status !== "captured") {
    throw new PaymentUnavailableError("The gateway doesn't know of the charge.");
  }
  const amountMinor = charge.amountMinor - charge.refundedMinor;
  if (amountMinor > 0) {
    const refund = await parts.gateway.refund({
      idempotencyKey: `refund:${order.id}:${payment.refusals}`,
      reference: charge.reference,
      amountMinor,
      currency: order.currency,
    });
    if (refund.status === "refused") {
      await recordRefusal(parts, payment, refund.reason);
      throw new RefundRefusedError(refund.reason);
    }
  }
  await recordRefund(parts, order);
  return "refunded";
}

/** The payment, once it is known what became of a charge whose order was cancelled meanwhile. */
async function settledPayment(parts: PaymentParts, order: Order): Promise<Payment | null> {
  const { db, gateway, clock } = parts;
  const payment = await findPayment(db, order.id);
  if (payment?.state !== "charging" || order.state !== "cancelled") return payment;
  checkProvider(payment, gateway);
  const charge = await gateway.lookUp(chargeKeyOf(payment));
  if (charge === null) {
    const waitMs = (order.cancelledAt ?? 0) + LAST_CHARGE_MS - clock.now();
    if (waitMs > 0) {
      throw new RetryAfterError(waitMs / 1_000, "The charge may still be under way.");
    }
    await recordVoid(parts, payment);
  } else if (charge.status === "declined") await recordDecline(parts, payment, charge.reason);
  else await recordCapture(parts, order, payment, charge);
  return findPayment(db, order.id);
}

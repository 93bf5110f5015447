import type { Order } from "../orders/index.ts";
import { PaymentUnavailableError, RefundRefusedError } from "./gateway.ts";
import {
  chargeOf,
  checkProvider,
  findPayment,
  recordCapture,
  recordVoid,
  withCharge,
  type Payment,
  type PaymentParts,
} from "./payment-book.ts";
import { recordRefund, recordRefusal } from "./refund-book.ts";

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
  const charge = await parts.gateway.lookUp(chargeOf(payment));
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
  const { db, gateway } = parts;
  const begun = await findPayment(db, order.id);
  if (begun?.state !== "charging" || order.state !== "cancelled") return begun;
  checkProvider(begun, gateway);
  const payment = await withCharge(parts, begun);
  // What a late run opens it can't store any more, and what it did not store it doesn't charge.
  const charge = payment.reference === null ? null : await gateway.cancel(payment.reference);
  if (charge?.status === "captured") await recordCapture(parts, order, payment, charge);
  else await recordVoid(parts, payment);
  const settled = await findPayment(db, order.id);
  if (settled?.state === "charging") throw new PaymentUnavailableError("It is being charged.");
  return settled;
}

import { findOrder, type Order } from "../orders/index.ts";
import { PaymentDeclinedError, type ChargeRequest } from "./gateway.ts";
import {
  beginCharge,
  chargeKeyOf,
  chargeOf,
  checkProvider,
  recordCapture,
  recordDecline,
  storeReference,
  withCharge,
  type Payment,
  type PaymentParts,
} from "./payment-book.ts";

/**
 * Takes the payment of an order, once, whatever is repeated: intent is written before the gateway is
 * asked, and the charge that was opened for it before it is asked for money. Only that charge is ever asked
 * for any, after a look at what became of it. A crash between any two lines is mended by the next run. An order
 * that is cancelled is not charged; one that is cancelled while it is charged gets its money back.
 * @throws PaymentDeclinedError, PaymentProviderChangedError, PaymentAmountError (final); any other error: try again
 */
export async function processPayment(
  parts: PaymentParts,
  order: Order,
  taskId: string,
): Promise<"paid" | "cancelled"> {
  // What may have been charged for a cancelled order is looked after by the refund that cancelling set off.
  if (order.state === "cancelled") return "cancelled";
  if (order.state !== "pending" && order.state !== "payment_failed") return "paid";
  const begun = await beginCharge(parts, order, taskId);
  if (begun === null) return "cancelled";
  const opened = await open(parts, order, begun);
  const { payment } = opened;
  switch (payment.state) {
    case "captured":
      return "paid";
    case "declined":
      throw new PaymentDeclinedError(payment.declineReason ?? "");
    case "refunding":
    case "refunded":
    case "voided":
      return "cancelled";
    case "charging":
      return charge(parts, order, opened);
  }
}

interface Begun {
  readonly payment: Payment;
  /** Nobody can have asked for money yet. */
  readonly isFirst: boolean;
}

/** A payment that is to be charged, with its charge opened; any other as it is. */
async function open(
  parts: PaymentParts,
  order: Order,
  { payment, isFirst }: Begun,
): Promise<Begun> {
  if (payment.state !== "charging") return { payment, isFirst };
  checkProvider(payment, parts.gateway);
  if (payment.reference !== null) return { payment, isFirst: false };
  if (!isFirst) {
    // An earlier run may have opened it; a database that was restored doesn't know what was opened since.
    const known = await withCharge(parts, payment);
    if (known.state !== "charging" || known.reference !== null) {
      return { payment: known, isFirst };
    }
  }
  const reference = await parts.gateway.open(requestOf(order, payment));
  const stored = await storeReference(parts, payment, reference);
  return { payment: stored ?? payment, isFirst: isFirst && stored?.reference === reference };
}

async function charge(
  parts: PaymentParts,
  order: Order,
  { payment, isFirst }: Begun,
): Promise<"paid" | "cancelled"> {
  const { gateway, db } = parts;
  const reference = chargeOf(payment);
  const known = isFirst ? null : await gateway.lookUp(reference);
  // The charge may have been opened since the order was read, for what its customer pays by now.
  const current = isFirst || known !== null ? order : ((await findOrder(db, order.id)) ?? order);
  const answer = known ?? (await gateway.charge(reference, requestOf(current, payment)));
  if (answer.status === "captured") return recordCapture(parts, order, payment, answer);
  await recordDecline(parts, payment, answer.reason);
  // Cancelling the order cancels its charge.
  if ((await findOrder(db, order.id))?.state === "cancelled") return "cancelled";
  throw new PaymentDeclinedError(answer.reason);
}

function requestOf(order: Order, payment: Payment): ChargeRequest {
  const { id: orderId, amountMinor, currency, paymentMethod } = order;
  return {
    idempotencyKey: chargeKeyOf(payment),
    ...{ orderId, amountMinor, currency, paymentMethod },
  };
}

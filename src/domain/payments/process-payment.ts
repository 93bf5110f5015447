import type { Order } from "../orders/index.ts";
import { PaymentDeclinedError, type ChargeRequest } from "./gateway.ts";
import {
  beginCharge,
  chargeKeyOf,
  checkProvider,
  recordCapture,
  recordDecline,
  type PaymentParts,
} from "./payment-book.ts";

/**
 * Takes the payment of an order, once, whatever is repeated: intent is written before the gateway is
 * asked, the key comes from the order, and after an unknown outcome the gateway is asked what happened
 * before it is asked again. A crash between any two lines is mended by the next run. An order that is
 * cancelled is not charged; one that is cancelled while it is charged gets its money back.
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
  const { payment, isFirst } = begun;
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
      break;
  }
  checkProvider(payment, parts.gateway);
  const request: ChargeRequest = {
    idempotencyKey: chargeKeyOf(payment),
    orderId: order.id,
    amountMinor: order.amountMinor,
    currency: order.currency,
  };
  const known = isFirst ? null : await parts.gateway.lookUp(request.idempotencyKey);
  const charge = known ?? (await parts.gateway.charge(request));
  if (charge.status === "declined") {
    await recordDecline(parts, payment, charge.reason);
    throw new PaymentDeclinedError(charge.reason);
  }
  return recordCapture(parts, order, payment, charge);
}

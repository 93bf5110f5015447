import { orderTransition, type Order, type OrderEvent } from "../orders/index.ts";
import type { Payment } from "../payments/index.ts";

/** What somebody may ask of an order that was placed. */
export type OrderRequest = "ship" | "deliver" | "cancel" | "refund";

type OrderFacts = Pick<Order, "state" | "shippedAt" | "deliveredAt" | "cancelledAt" | "refundedAt">;

/** What a request comes to. */
export interface Change {
  /** Null: the order stays in its state, until the money is back. */
  readonly event: OrderEvent | null;
  /** Whether the payment is to go back, or may have to: its charge is not known to have failed. */
  readonly refunds: boolean;
}

/** Whether the request was granted before, so that it only has to be answered again. */
export function wasDone(
  request: OrderRequest,
  order: OrderFacts,
  payment: Pick<Payment, "state"> | null,
): boolean {
  switch (request) {
    case "ship":
      return order.shippedAt !== null;
    case "deliver":
      return order.deliveredAt !== null;
    case "cancel":
      return order.cancelledAt !== null;
    case "refund":
      return payment?.state === "refunding" || payment?.state === "refunded";
  }
}

/**
 * What a request comes to; null: the order is in no state for it. What was paid and not shipped is refunded
 * by cancelling it, so that nobody ships it while the money goes back.
 */
export function planChange(
  request: OrderRequest,
  { state }: Pick<Order, "state">,
  payment: Pick<Payment, "state"> | null,
): Change | null {
  if (request === "refund") {
    if (payment?.state !== "captured") return null;
    return { event: state === "paid" ? "cancel" : null, refunds: true };
  }
  if (orderTransition(state, request) === null) return null;
  const mayBeCharged = payment?.state === "captured" || payment?.state === "charging";
  return { event: request, refunds: request === "cancel" && mayBeCharged };
}

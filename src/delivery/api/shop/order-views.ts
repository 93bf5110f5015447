import type { Order, OrderItem } from "#domain/orders";
import type { Payment } from "#domain/payments";
import { decimalOf } from "./fields.ts";

/** An order as the API shows it. */
export function orderView(order: Order) {
  return {
    orderId: order.id,
    userId: order.userId,
    totalAmount: decimalOf(order.amountMinor),
    currency: order.currency,
    customerEmail: order.customerEmail,
    state: order.state,
    createdAt: isoOf(order.createdAt),
    shippedAt: isoOf(order.shippedAt),
    deliveredAt: isoOf(order.deliveredAt),
    cancelledAt: isoOf(order.cancelledAt),
    refundedAt: isoOf(order.refundedAt),
  };
}

/** The ids of the tasks that creating an order set off. */
export function tasksView(order: Order): Record<string, string> {
  return {
    send_order_confirmation_email: order.emailTaskId,
    process_payment: order.paymentTaskId,
    ...(order.sellerTaskId !== null && { send_seller_notification: order.sellerTaskId }),
  };
}

export function itemView({ unitPriceMinor, ...item }: OrderItem) {
  return { ...item, unitPrice: decimalOf(unitPriceMinor) };
}

export function paymentView({ state, provider, reference, declineReason, refusalReason }: Payment) {
  return { state, provider, reference, declineReason, refusalReason };
}

function isoOf(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

import * as z from "zod";
import { ORDER_STATES, type Order, type OrderItem } from "#domain/orders";
import { isoTimeOrNull, taskId } from "../http/answers.ts";
import type { Payment } from "#domain/payments";
import { decimalOf } from "./fields.ts";

const orderFields = {
  orderId: z.string(),
  userId: z.int(),
  totalAmount: z.number(),
  currency: z.string(),
  customerEmail: z.string(),
  state: z.enum(ORDER_STATES),
  createdAt: isoTimeOrNull,
  shippedAt: isoTimeOrNull,
  deliveredAt: isoTimeOrNull,
  cancelledAt: isoTimeOrNull,
  refundedAt: isoTimeOrNull,
};
export const orderAnswer = z.strictObject(orderFields).meta({ id: "Order" });

const orderTasksAnswer = z
  .strictObject({
    send_order_confirmation_email: taskId,
    process_payment: taskId,
    send_seller_notification: taskId.optional(),
  })
  .meta({ id: "OrderTasks", description: "The tasks that creating an order set off." });

/** What creating an order answers: the guides' shape. */
export const createdOrderAnswer = z
  .strictObject({
    message: z.string(),
    data: z.strictObject({
      message: z.string(),
      orderId: z.string(),
      tasks: orderTasksAnswer,
    }),
  })
  .meta({ id: "CreatedOrder" });

/** An order with the tasks that were set off. */
export const startedOrderAnswer = z
  .strictObject({ ...orderFields, tasks: orderTasksAnswer })
  .meta({ id: "StartedOrder" });

const itemAnswer = z.strictObject({
  sku: z.string().nullable(),
  name: z.string(),
  quantity: z.int(),
  unitPrice: z.number(),
  sellerId: z.int().nullable(),
});
const paymentAnswer = z.strictObject({
  state: z.string(),
  provider: z.string(),
  reference: z.string().nullable().describe("The provider's name for the charge."),
  declineReason: z.string().nullable(),
  refusalReason: z.string().nullable().describe("Why the last refund was refused."),
});

/** Everything of an order. */
export const wholeOrderAnswer = z
  .strictObject({
    ...orderFields,
    payment: paymentAnswer.nullable(),
    items: z.array(itemAnswer),
    tasks: orderTasksAnswer,
  })
  .meta({ id: "WholeOrder" });

/** An order as the API shows it. */
export function orderView(order: Order): z.output<typeof orderAnswer> {
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
export function tasksView(order: Order): z.output<typeof orderTasksAnswer> {
  return {
    send_order_confirmation_email: order.emailTaskId,
    process_payment: order.paymentTaskId,
    ...(order.sellerTaskId !== null && { send_seller_notification: order.sellerTaskId }),
  };
}

export function itemView({ unitPriceMinor, ...item }: OrderItem): z.output<typeof itemAnswer> {
  return { ...item, unitPrice: decimalOf(unitPriceMinor) };
}

export function paymentView(payment: Payment): z.output<typeof paymentAnswer> {
  const { state, provider, reference, declineReason, refusalReason } = payment;
  return { state, provider, reference, declineReason, refusalReason };
}

function isoOf(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

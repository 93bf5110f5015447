import * as z from "zod";
import type { Lovage } from "#engine";
import { findOrders, OrderNotFoundError, type Order } from "../orders/index.ts";
import { defineShopTask, type ShopServices } from "../services/index.ts";
import {
  PaymentAmountError,
  PaymentDeclinedError,
  PaymentProviderChangedError,
  RefundRefusedError,
} from "./gateway.ts";
import type { PaymentParts } from "./payment-book.ts";
import {
  applyEvent,
  PaymentEventMismatchError,
  PaymentEventNotFoundError,
} from "./payment-events.ts";
import { processPayment } from "./process-payment.ts";
import { refundPayment } from "./refund-payment.ts";

/**
 * Whatever goes wrong (the gateway, the database, at any line) leaves an outcome that is not known: the run
 * is repeated, and asks the gateway before it does anything.
 */
const OPTIONS = {
  queue: "payments",
  autoretryFor: [Error],
  retryBackoff: true,
  timeLimitSeconds: 120,
} as const;
const FINAL = [PaymentProviderChangedError, PaymentAmountError, OrderNotFoundError];

const TEXT = {
  en: {
    paid: (id: string) => `Payment for order #${id} processed successfully.`,
    cancelled: (id: string) => `Order #${id} was cancelled; nothing is kept of its payment.`,
    refunded: (id: string) => `Payment for order #${id} was refunded.`,
    nothing: (id: string) => `There is nothing to refund for order #${id}.`,
  },
  ru: {
    paid: (id: string) => `Платеж для заказа #${id} успешно обработан.`,
    cancelled: (id: string) => `Заказ #${id} отменён, оплата не взимается.`,
    refunded: (id: string) => `Деньги за заказ #${id} возвращены.`,
    nothing: (id: string) => `Возвращать за заказ #${id} нечего.`,
  },
};

/** Takes the payment of an order. A decline fails it at once, visibly. Tried for about half an hour. */
export const processPaymentTask = defineShopTask({
  ...OPTIONS,
  name: "process_payment",
  params: z.object({ order_id: z.string() }),
  dontAutoretryFor: [...FINAL, PaymentDeclinedError],
  maxRetries: 12,
  batch: {
    size: 20,
    handler: (calls, services) =>
      forOrders(calls, services, async (order, ctx) => {
        const end = await processPayment(partsOf(services, ctx), order, ctx.taskId);
        return TEXT[order.locale ?? services.locale][end](order.id);
      }),
  },
});

/**
 * Gives the money of an order back, if that was asked for: by cancelling it, or by a refund. Tried for about
 * half a day.
 */
export const refundPaymentTask = defineShopTask({
  ...OPTIONS,
  name: "refund_payment",
  params: z.object({ order_id: z.string() }),
  dontAutoretryFor: [...FINAL, RefundRefusedError],
  maxRetries: 80,
  batch: {
    size: 20,
    handler: (calls, services) =>
      forOrders(calls, services, async (order, ctx) => {
        const end = await refundPayment(partsOf(services, ctx), order);
        return TEXT[order.locale ?? services.locale][end](order.id);
      }),
  },
});

/** Applies what the gateway told by its webhook. Tried for about half a day. */
export const processPaymentCallback = defineShopTask({
  ...OPTIONS,
  name: "process_payment_callback",
  params: z.object({ event_id: z.string() }),
  dontAutoretryFor: [...FINAL, PaymentEventNotFoundError, PaymentEventMismatchError],
  maxRetries: 80,
  handler: ({ event_id: eventId }, ctx) => applyEvent(partsOf(ctx.services, ctx), eventId),
});

interface Call {
  readonly params: { readonly order_id: string };
  readonly ctx: { readonly taskId: string; readonly lovage: Lovage };
}

/** Runs calls side by side, each with its order. */
async function forOrders<Result>(
  calls: readonly Call[],
  { db }: ShopServices,
  run: (order: Order, ctx: Call["ctx"]) => Promise<Result>,
): Promise<PromiseSettledResult<Result>[]> {
  const orders = await findOrders(
    db,
    calls.map(({ params }) => params.order_id),
  );
  return Promise.allSettled(
    calls.map(async ({ params, ctx }) => {
      const order = orders.get(params.order_id);
      if (order === undefined) throw new OrderNotFoundError(params.order_id);
      return run(order, ctx);
    }),
  );
}

/** What the payment tasks work with, for a task of this area. */
export function partsOf(services: ShopServices, ctx: Pick<Call["ctx"], "lovage">): PaymentParts {
  const prepareRefund: PaymentParts["prepareRefund"] = (orderId) =>
    ctx.lovage.prepareRepeatable([refundPaymentTask.s({ order_id: orderId })]);
  return { ...services, prepareRefund };
}

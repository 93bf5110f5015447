import { z } from "zod";
import type { DeclaredSchedule } from "#engine";
import type { AnyMail } from "../mail/index.ts";
import { findOrders, OrderNotFoundError } from "../orders/index.ts";
import { defineShopTask } from "../services/index.ts";
import {
  PaymentAmountError,
  PaymentDeclinedError,
  PaymentProviderChangedError,
} from "./gateway.ts";
import { processPayment } from "./process-payment.ts";

export { expectCharges } from "./after-restore.ts";
export * from "./gateway.ts";
export { findPayment } from "./process-payment.ts";

const RESULT = {
  en: (orderId: string) => `Payment for order #${orderId} processed successfully.`,
  ru: (orderId: string) => `Платеж для заказа #${orderId} успешно обработан.`,
};

/**
 * Takes the payment of an order. A decline fails it at once, visibly. Whatever else goes wrong (the
 * gateway, the database, at any line) leaves an outcome that is not known: the run is repeated, up to
 * twelve times within about half an hour, and asks the gateway before it charges.
 */
export const processPaymentTask = defineShopTask({
  name: "process_payment",
  params: z.object({ order_id: z.string() }),
  queue: "payments",
  autoretryFor: [Error],
  dontAutoretryFor: [
    PaymentDeclinedError,
    PaymentProviderChangedError,
    PaymentAmountError,
    OrderNotFoundError,
  ],
  retryBackoff: true,
  maxRetries: 12,
  timeLimitSeconds: 120,
  batch: {
    size: 20,
    handler: async (calls, services) => {
      const orders = await findOrders(
        services.db,
        calls.map(({ params }) => params.order_id),
      );
      return Promise.allSettled(
        calls.map(async ({ params, ctx }) => {
          const order = orders.get(params.order_id);
          if (order === undefined) throw new OrderNotFoundError(params.order_id);
          await processPayment(services, order, ctx.taskId);
          return RESULT[order.locale ?? services.locale](order.id);
        }),
      );
    },
  },
});

export const paymentTasks = [processPaymentTask] as const;
export const paymentMails: readonly AnyMail[] = [];
export const paymentSchedules = (_timezone: string): readonly DeclaredSchedule[] => [];

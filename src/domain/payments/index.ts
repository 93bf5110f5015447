import { z } from "zod";
import { findOrders } from "../orders/index.ts";
import { defineShopTask } from "../services.ts";
import { PaymentUnavailableError } from "./gateway.ts";
import { processPayment } from "./process-payment.ts";

export * from "./gateway.ts";
export { findPayment } from "./process-payment.ts";

const RESULT = {
  en: (orderId: string) => `Payment for order #${orderId} processed successfully.`,
  ru: (orderId: string) => `Платеж для заказа #${orderId} успешно обработан.`,
};

/**
 * Takes the payment of an order. A decline fails it at once, visibly; an outcome that is not known is
 * asked for again, ten times within about half an hour.
 */
export const processPaymentTask = defineShopTask({
  name: "process_payment",
  params: z.object({ order_id: z.string() }),
  queue: "payments",
  autoretryFor: [PaymentUnavailableError],
  retryBackoff: true,
  maxRetries: 10,
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
          if (order === undefined) throw new Error(`There is no order #${params.order_id}.`);
          await processPayment(services, order, ctx.taskId);
          return RESULT[order.locale ?? services.locale](order.id);
        }),
      );
    },
  },
});

import * as z from "zod";
import {
  defineMail,
  MAIL_OPTIONS,
  mailOf,
  settleMail,
  type Locale,
  type MailRequest,
} from "../mail/index.ts";
import { defineShopTask } from "../services/index.ts";
import { findOrders, type Order } from "./find-orders.ts";
import { OrderNotFoundError } from "./order-not-found.ts";

export const orderConfirmation = defineMail<{ readonly orderId: string }>({
  name: "order_confirmation",
  sample: { orderId: "123" },
  en: ({ orderId }) => ({
    subject: `Order confirmation #${orderId}`,
    body: [`Thank you for your order #${orderId}! We have started processing it.`],
  }),
  ru: ({ orderId }) => ({
    subject: `Подтверждение заказа #${orderId}`,
    body: [`Спасибо за ваш заказ #${orderId}! Мы приступили к его обработке.`],
  }),
});

const RESULT = {
  en: (orderId: string, to: string) => `Email for order #${orderId} sent successfully to ${to}.`,
  ru: (orderId: string, to: string) => `Email для заказа #${orderId} успешно отправлен на ${to}.`,
};

/** Whoever knows no more than an order's id learns no address by it. */
const SHORT_RESULT = {
  en: (orderId: string) => `Email for order #${orderId} sent successfully.`,
  ru: (orderId: string) => `Email для заказа #${orderId} успешно отправлен.`,
};

/** Confirms an order by mail: many at once over one connection, and a bad address fails alone. */
export const sendOrderConfirmationEmail = defineShopTask({
  name: "send_order_confirmation_email",
  params: z.object({ order_id: z.string(), customer_email: z.string() }),
  ...MAIL_OPTIONS,
  batch: {
    size: 50,
    handler: async (calls, { db, mail, locale: ours }) => {
      const orders = await findOrders(
        db,
        calls.map(({ params }) => params.order_id),
      );
      const wanted = calls.map(({ params: { order_id: orderId, customer_email: to }, ctx }) => {
        const order = orders.get(orderId);
        const key = order?.customerEmail === to ? order.emailTaskId : ctx.taskId;
        return {
          key,
          mail: confirmationOf(orderId, order, { key, to, ours }),
          result: RESULT[order?.locale ?? ours](orderId, to),
        };
      });
      // Two tasks for one order are one mail.
      const mails = new Map(wanted.map(({ key, mail: each }) => [key, each]));
      const outcomes = await mail.send([...mails.values()]);
      const outcomeOf = new Map([...mails.keys()].map((key, index) => [key, outcomes[index]]));
      return wanted.map(({ key, result }) => settleMail(outcomeOf.get(key), result));
    },
  },
});

/**
 * The same by the order's id alone: the address is the order's. It is the very mail that creating the order
 * sets off, so whichever task is called, and however often, the customer gets one.
 */
export const sendOrderConfirmation = defineShopTask({
  name: "send_order_confirmation",
  params: z.object({ order_id: z.string() }),
  ...MAIL_OPTIONS,
  dontAutoretryFor: [...MAIL_OPTIONS.dontAutoretryFor, OrderNotFoundError],
  batch: {
    size: 50,
    handler: async (calls, { db, mail, locale: ours }) => {
      const orders = await findOrders(
        db,
        calls.map(({ params }) => params.order_id),
      );
      const found = [...orders.values()];
      const outcomes = await mail.send(
        found.map((order) =>
          confirmationOf(order.id, order, {
            key: order.emailTaskId,
            to: order.customerEmail,
            ours,
          }),
        ),
      );
      return calls.map(({ params: { order_id: orderId } }) => {
        const order = orders.get(orderId);
        if (order === undefined) {
          return { status: "rejected" as const, reason: new OrderNotFoundError(orderId) };
        }
        const result = SHORT_RESULT[order.locale ?? ours](orderId);
        return settleMail(outcomes[found.indexOf(order)], result);
      });
    },
  },
});

function confirmationOf(
  orderId: string,
  order: Order | undefined,
  { key, to, ours }: { key: string; to: string; ours: Locale },
): MailRequest {
  return mailOf(orderConfirmation, { key, to, locale: order?.locale ?? ours, props: { orderId } });
}

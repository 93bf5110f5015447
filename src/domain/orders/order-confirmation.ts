import { z } from "zod";
import { defineMail, MAIL_OPTIONS, mailOf, settleMail } from "../mail/index.ts";
import { defineShopTask } from "../services/index.ts";
import { findOrders } from "./find-orders.ts";

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
        const locale = orders.get(orderId)?.locale ?? ours;
        return { key: ctx.taskId, to, locale, props: { orderId } };
      });
      const outcomes = await mail.send(wanted.map((each) => mailOf(orderConfirmation, each)));
      return wanted.map(({ locale, to, props }, index) =>
        settleMail(outcomes[index], RESULT[locale](props.orderId, to)),
      );
    },
  },
});

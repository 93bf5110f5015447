import { defineMail, mailOf, type Locale, type MailRequest } from "../mail/index.ts";
import type { Order } from "./find-orders.ts";

/** Under this key are the mails to the customer on the way of an order: each of them once. */
export function mailKeyOf(orderId: string): string {
  return `order:${orderId}`;
}

export const orderShipped = defineMail<{ readonly orderId: string }>({
  name: "order_shipped",
  sample: { orderId: "123" },
  en: ({ orderId }) => ({
    subject: `Order #${orderId} is on its way`,
    body: [`Your order #${orderId} has been shipped.`],
  }),
  ru: ({ orderId }) => ({
    subject: `Заказ #${orderId} отправлен`,
    body: [`Ваш заказ #${orderId} отправлен и скоро будет у вас.`],
  }),
});

export const orderCancelled = defineMail<{
  readonly orderId: string;
  readonly isRefunded: boolean;
}>({
  name: "order_cancelled",
  sample: { orderId: "123", isRefunded: true },
  en: ({ orderId, isRefunded }) => ({
    subject: `Order #${orderId} is cancelled`,
    body: [
      `Your order #${orderId} has been cancelled.`,
      ...(isRefunded ? ["Whatever you paid for it will be returned to you."] : []),
    ],
  }),
  ru: ({ orderId, isRefunded }) => ({
    subject: `Заказ #${orderId} отменён`,
    body: [
      `Ваш заказ #${orderId} отменён.`,
      ...(isRefunded ? ["Если вы его уже оплатили, мы вернём вам деньги."] : []),
    ],
  }),
});

export const orderRefunded = defineMail<{ readonly orderId: string; readonly amount: string }>({
  name: "order_refunded",
  sample: { orderId: "123", amount: "$150.00" },
  en: ({ orderId, amount }) => ({
    subject: `Refund for order #${orderId}`,
    body: [
      `We have returned ${amount} to you for order #${orderId}.`,
      "Your bank may take a few days to show it.",
    ],
  }),
  ru: ({ orderId, amount }) => ({
    subject: `Возврат денег за заказ #${orderId}`,
    body: [
      `Мы вернули вам ${amount} за заказ #${orderId}.`,
      "Зачисление может занять несколько дней: это зависит от банка.",
    ],
  }),
});

/** A mail of these to the customer of an order, in their language. */
export function customerMail<Props>(
  template: Parameters<typeof mailOf<Props>>[0],
  { id, customerEmail: to, locale }: Order,
  ours: Locale,
  props: Props,
): MailRequest {
  return mailOf(template, { key: mailKeyOf(id), to, locale: locale ?? ours, props });
}

import type { Lovage } from "#engine";
import type { Locale } from "../mail/index.ts";
import { sendAdminNotification } from "../notifications/index.ts";
import { moneyText } from "../orders/index.ts";
import type { PaymentEvent, PaymentNotice } from "./gateway.ts";

type Text = (amount: string, reference: string, reason: string) => readonly [string, string];

const TEXT: Record<Locale, Record<PaymentNotice["type"], Text>> = {
  en: {
    "payment.disputed": (amount, reference, reason) => [
      "A payment is disputed",
      `A customer disputes ${amount} of the charge ${reference} (${reason}). Answer in the gateway's dashboard; the order stays as it is.`,
    ],
    "payment.refund_failed": (amount, reference, reason) => [
      "A refund failed",
      `${amount} of the charge ${reference} did not go back (${reason}). The customer has to get it in another way; the order stays as it is.`,
    ],
  },
  ru: {
    "payment.disputed": (amount, reference, reason) => [
      "Платеж оспорен",
      `Клиент оспаривает ${amount} из платежа ${reference} (${reason}). Ответьте в кабинете платёжной системы; заказ остаётся как есть.`,
    ],
    "payment.refund_failed": (amount, reference, reason) => [
      "Возврат не прошёл",
      `${amount} из платежа ${reference} не вернулись клиенту (${reason}). Верните деньги другим способом; заказ остаётся как есть.`,
    ],
  },
};

export function isNotice(event: PaymentEvent | PaymentNotice): event is PaymentNotice {
  return event.type === "payment.disputed" || event.type === "payment.refund_failed";
}

/**
 * Tells the admins of it. The task's id comes from the notice's: told again, it is the same task.
 * @returns the id of the task
 */
export async function tellAdmins(
  lovage: Lovage,
  { id, type, reference, amountMinor, currency, reason }: PaymentNotice,
  locale: Locale,
): Promise<string> {
  const amount = moneyText(amountMinor, currency, locale);
  const [subject, message] = TEXT[locale][type](amount, reference, reason);
  const key = { route: "payment-notice", key: id };
  return (await lovage.applyAsync(sendAdminNotification, { subject, message }, {}, key)).taskId;
}

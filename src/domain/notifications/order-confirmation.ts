import { z } from "zod";
import { findOrders } from "../orders/index.ts";
import { defineShopTask } from "../services.ts";
import { messageIdOf } from "./message-id.ts";
import { renderOrderConfirmation, type Locale } from "./templates.tsx";
import {
  MailUnavailableError,
  RecipientRefusedError,
  type MailMessage,
  type MailOutcome,
} from "./transport.ts";

const TEMPLATE = "order_confirmation";

const RESULT = {
  en: (orderId: string, to: string) => `Email for order #${orderId} sent successfully to ${to}.`,
  ru: (orderId: string, to: string) => `Email для заказа #${orderId} успешно отправлен на ${to}.`,
};

interface Confirmation {
  readonly order_id: string;
  readonly customer_email: string;
}

/** Confirms an order by mail: many at once over one connection, and a bad address fails alone. */
export const sendOrderConfirmationEmail = defineShopTask({
  name: "send_order_confirmation_email",
  params: z.object({ order_id: z.string(), customer_email: z.string() }),
  // Also a database that can't be reached: the message is the same in every run.
  autoretryFor: [Error],
  dontAutoretryFor: [RecipientRefusedError],
  retryBackoff: true,
  maxRetries: 8,
  timeLimitSeconds: 120,
  batch: {
    size: 50,
    handler: async (calls, services) => {
      const orders = await findOrders(
        services.db,
        calls.map(({ params }) => params.order_id),
      );
      const locales = calls.map(
        ({ params }) => orders.get(params.order_id)?.locale ?? services.locale,
      );
      const messages = await Promise.all(
        calls.map(({ params, ctx }, index) =>
          confirmation(params, ctx.taskId, locales[index] ?? services.locale),
        ),
      );
      const outcomes = await services.mail.sendBatch(messages);
      return calls.map(({ params }, index) =>
        settled(params, locales[index] ?? services.locale, outcomes[index]),
      );
    },
  },
});

async function confirmation(
  { order_id: orderId, customer_email: to }: Confirmation,
  taskId: string,
  locale: Locale,
): Promise<MailMessage> {
  const messageId = await messageIdOf(taskId, to, TEMPLATE);
  return { messageId, taskId, template: TEMPLATE, to, ...renderOrderConfirmation(orderId, locale) };
}

function settled(
  params: Confirmation,
  locale: Locale,
  outcome: MailOutcome | undefined,
): PromiseSettledResult<string> {
  if (outcome?.status === "sent") {
    return {
      status: "fulfilled",
      value: RESULT[locale](params.order_id, params.customer_email),
    };
  }
  const reason = outcome?.reason ?? "The transport gave no outcome.";
  const isPermanent = outcome?.isPermanent ?? false;
  const failure = isPermanent
    ? new RecipientRefusedError(reason)
    : new MailUnavailableError(reason);
  return { status: "rejected", reason: failure };
}

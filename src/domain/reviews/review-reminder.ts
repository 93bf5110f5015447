import * as z from "zod";
import { defineMail, MAIL_OPTIONS, settleMail } from "../mail/index.ts";
import {
  customerMail,
  findItems,
  findOrders,
  OrderNotFoundError,
  type Order,
} from "../orders/index.ts";
import { refundedOrders } from "../payments/index.ts";
import { defineShopTask } from "../services/index.ts";
import { REMINDER_MAIL, reviewedOrders } from "./review-book.ts";

interface Reminder {
  readonly orderId: string;
  /** Names of what was ordered; may be none. */
  readonly items: readonly string[];
}

export const reviewReminder = defineMail<Reminder>({
  name: REMINDER_MAIL,
  sample: { orderId: "123", items: ["Cup", "Plate"] },
  en: ({ orderId, items }) => ({
    subject: `How do you like your order #${orderId}?`,
    body: [
      `Your order #${orderId} has arrived. Tell others how you like it: your review helps them choose.`,
      ...(items.length > 0 ? [{ list: items }] : []),
    ],
  }),
  ru: ({ orderId, items }) => ({
    subject: `Как вам заказ #${orderId}?`,
    body: [
      `Вы получили заказ #${orderId}. Расскажите, понравился ли он: ваш отзыв поможет другим с выбором.`,
      ...(items.length > 0 ? [{ list: items }] : []),
    ],
  }),
});

/** Why nobody was asked. */
type Reason = "reviewed" | "returned" | "not_delivered";
type Answer = { readonly sent: true } | { readonly sent: false; readonly reason: Reason };

/**
 * Asks the customer of an order for a review, once, unless they wrote one or the order was returned. Set off
 * by the delivery, for some days later.
 */
export const sendReviewReminder = defineShopTask({
  name: "send_review_reminder",
  params: z.object({ order_id: z.string() }),
  ...MAIL_OPTIONS,
  dontAutoretryFor: [...MAIL_OPTIONS.dontAutoretryFor, OrderNotFoundError],
  batch: {
    size: 50,
    handler: async (calls, { db, mail, locale }) => {
      const ids = [...new Set(calls.map(({ params }) => params.order_id))];
      const orders = await findOrders(db, ids);
      const [items, reviewed, refunded] = await Promise.all([
        findItems(db, ids),
        reviewedOrders(db, ids),
        refundedOrders(db, ids),
      ]);
      const reasons = new Map(
        Array.from(orders, ([id, { state }]) => [
          id,
          reasonAgainst(state, reviewed.has(id), refunded.has(id)),
        ]),
      );
      const wanted = [...orders.values()].filter(({ id }) => reasons.get(id) === null);
      const outcomes = await mail.send(
        wanted.map((order) => {
          const names = (items.get(order.id) ?? []).map(({ name }) => name);
          return customerMail(reviewReminder, order, locale, { orderId: order.id, items: names });
        }),
      );
      return calls.map(({ params: { order_id: id } }): PromiseSettledResult<Answer> => {
        const order = orders.get(id);
        if (order === undefined) return { status: "rejected", reason: new OrderNotFoundError(id) };
        const reason = reasons.get(id) ?? null;
        if (reason !== null) return { status: "fulfilled", value: { sent: false, reason } };
        return settleMail<Answer>(outcomes[wanted.indexOf(order)], { sent: true });
      });
    },
  },
});

function reasonAgainst(
  state: Order["state"],
  isReviewed: boolean,
  isRefunded: boolean,
): Reason | null {
  if (isReviewed) return "reviewed";
  if (isRefunded || state === "cancelled") return "returned";
  return state === "delivered" ? null : "not_delivered";
}

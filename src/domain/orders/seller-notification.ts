import * as z from "zod";
import { findReachable, type User } from "../accounts/index.ts";
import {
  defineMail,
  MAIL_OPTIONS,
  MailUnavailableError,
  mailOf,
  type Locale,
  type MailRequest,
} from "../mail/index.ts";
import { defineShopTask } from "../services/index.ts";
import { findItems, findOrders, type Order, type OrderItem } from "./find-orders.ts";
import { moneyText } from "./money.ts";
import { OrderNotFoundError } from "./order-not-found.ts";

interface Sale {
  readonly orderId: string;
  /** The seller's own, one text each. */
  readonly lines: readonly string[];
  readonly total: string;
}

export const sellerNotification = defineMail<Sale>({
  name: "seller_notification",
  sample: { orderId: "123", lines: ["Cup × 2: $15.00"], total: "$30.00" },
  en: ({ orderId, lines, total }) => ({
    subject: `New order #${orderId}`,
    body: [
      `Order #${orderId} has items of yours. Please set them aside: the order is shipped once it is paid.`,
      { list: lines },
      { facts: [["Total", total]] },
    ],
  }),
  ru: ({ orderId, lines, total }) => ({
    subject: `Новый заказ #${orderId}`,
    body: [
      `В заказе #${orderId} есть ваши товары. Пожалуйста, отложите их: заказ отправят после оплаты.`,
      { list: lines },
      { facts: [["Итого", total]] },
    ],
  }),
});

/**
 * Tells each seller of an order's items which of theirs were ordered: one mail a seller and order, whichever
 * task sends it. A seller who can't be reached keeps the others' mails from nobody. Of an order that was
 * cancelled before nobody is told.
 */
export const sendSellerNotification = defineShopTask({
  name: "send_seller_notification",
  params: z.object({ order_id: z.string() }),
  ...MAIL_OPTIONS,
  dontAutoretryFor: [...MAIL_OPTIONS.dontAutoretryFor, OrderNotFoundError],
  batch: {
    size: 20,
    handler: async (calls, { db, mail, locale }) => {
      const ids = [...new Set(calls.map(({ params }) => params.order_id))];
      const [orders, items] = await Promise.all([findOrders(db, ids), findItems(db, ids)]);
      const sellerIds = [...items.values()].flat().flatMap(({ sellerId }) => sellerId ?? []);
      const sellers = await findReachable(db, [...new Set(sellerIds)]);
      const notices = new Map(
        Array.from(orders, ([id, order]) => [
          id,
          noticesOf(order, items.get(id) ?? [], sellers, locale),
        ]),
      );
      const wanted = [...notices.values()].flat().flatMap(({ request }) => request ?? []);
      const outcomes = await mail.send(wanted);
      const outcomeOf = new Map(wanted.map((request, index) => [request, outcomes[index]]));
      return Promise.allSettled(
        calls.map(async ({ params: { order_id: orderId } }) => {
          const own = notices.get(orderId);
          if (own === undefined) throw new OrderNotFoundError(orderId);
          const failed = own.filter(
            ({ request }) => request === null || outcomeOf.get(request)?.status !== "sent",
          );
          const waits = failed.flatMap(({ request }) => {
            const outcome = request === null ? null : outcomeOf.get(request);
            if (outcome === null || outcome?.status === "sent") return [];
            return outcome?.isPermanent === true ? [] : [outcome?.retryAfterSeconds ?? 0];
          });
          if (waits.length > 0) {
            // Sooner than the desk would try again, every try would only put the next one off.
            const retryAfterSeconds = Math.max(...waits);
            throw new MailUnavailableError("Not all sellers could be told.", { retryAfterSeconds });
          }
          return {
            sent_count: own.length - failed.length,
            failed_count: failed.length,
            failed_sellers: failed.map(({ sellerId }) => sellerId),
          };
        }),
      );
    },
  },
});

/** A seller of an order and their mail; null: they can't be written to. */
interface Notice {
  readonly sellerId: number;
  readonly request: MailRequest | null;
}

function noticesOf(
  { id, currency, state }: Order,
  items: readonly OrderItem[],
  sellers: ReadonlyMap<number, User>,
  ours: Locale,
): Notice[] {
  if (state === "cancelled" || state === "refunded") return [];
  const bySeller = Map.groupBy(items, ({ sellerId }) => sellerId);
  return Array.from(bySeller).flatMap(([sellerId, own]): Notice[] => {
    if (sellerId === null) return [];
    const seller = sellers.get(sellerId);
    if (seller === undefined) return [{ sellerId, request: null }];
    const locale = seller.locale ?? ours;
    const totalMinor = own.reduce(
      (sum, { quantity, unitPriceMinor }) => sum + quantity * unitPriceMinor,
      0,
    );
    const props: Sale = {
      orderId: id,
      lines: own.map(
        ({ name, quantity, unitPriceMinor }) =>
          `${name} × ${quantity}: ${moneyText(unitPriceMinor, currency, locale)}`,
      ),
      total: moneyText(totalMinor, currency, locale),
    };
    // Apart from the customer's mails of the order: a seller's address is not theirs to see.
    const key = `order-sellers:${id}`;
    const to = seller.email;
    return [{ sellerId, request: mailOf(sellerNotification, { key, to, locale, props }) }];
  });
}

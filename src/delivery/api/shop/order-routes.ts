import * as z from "zod";
import { findUsers } from "#domain/accounts";
import { createOrder, type NewOrder } from "#domain/checkout";
import { listEmails } from "#domain/mail";
import { findItems, listOrders, mailKeyOf, ORDER_STATES } from "#domain/orders";
import { findPayment } from "#domain/payments";
import { refusePeople } from "../callers/access.ts";
import { pageOf } from "../http/answers.ts";
import { operation } from "../http/operation.ts";
import { conflict, invalid, type FieldError } from "../http/problems.ts";
import { cursor, limit, oneOf } from "../http/query-params.ts";
import type { ApiParts, Route } from "../route.ts";
import {
  amount,
  currency,
  emailAddress,
  locale,
  missingMethod,
  paymentMethod,
  shopId,
} from "./fields.ts";
import { emailAnswer, emailView } from "./email-views.ts";
import { orderToSee } from "./order-access.ts";
import {
  createdOrderAnswer,
  itemView,
  orderAnswer,
  orderView,
  paymentView,
  tasksView,
  wholeOrderAnswer,
} from "./order-views.ts";

const itemSchema = z.strictObject({
  sku: shopId.optional(),
  name: z.string().min(1).max(200),
  quantity: z.int().min(1).max(10_000),
  unitPrice: amount,
  sellerId: z.int().positive().optional(),
});

const orderSchema = z.strictObject({
  orderId: shopId,
  userId: z.int().positive(),
  totalAmount: amount,
  customerEmail: emailAddress,
  currency: currency.default("USD"),
  locale: locale.optional(),
  items: z.array(itemSchema).max(100).default([]),
  paymentMethod: paymentMethod.optional(),
});

const MAX_EMAILS = 200;
const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;
/** When the last one of a page was created, and its id. */
const CURSOR = /^\d{1,15} [\w.:-]{1,64}$/;

const TAG = "orders";

export function orderRoutes(parts: ApiParts): Route[] {
  return [
    operation({
      method: "POST",
      path: "/api/create-order",
      scope: "orders:write",
      rate: "submit",
      tag: TAG,
      summary: "Create an order",
      description:
        "Its confirmation and its payment are tasks that follow; nothing waits for them. The same order sent again is answered the same, and made once.",
      body: orderSchema,
      example: {
        orderId: "123",
        userId: 1,
        totalAmount: 150,
        customerEmail: "customer@example.com",
      },
      answers: { 200: createdOrderAnswer },
      problems: { 409: ["order_exists"] },
      handle: async ({ caller, background, body }) => {
        refusePeople(caller, "Order from your cart: the shop says what things cost.");
        const input = newOrder(body);
        const errors = [
          ...missingMethod(parts.shop.gateway, input.paymentMethod),
          ...wrongTotal(input),
          ...(await unknownSellers(parts, input)),
        ];
        if (errors.length > 0) throw invalid(errors);
        const { owner } = caller;
        const checkout = { ...parts.shop, background };
        const answer = await createOrder(checkout, parts.lovageFor(owner), owner, input);
        if (answer.kind === "conflict") {
          throw conflict("order_exists", `Order #${input.orderId} exists with other content.`);
        }
        const { order } = answer;
        return Response.json({
          message: `Order #${order.id} created. Email sent to ${order.customerEmail}.`,
          data: {
            message: "Order created successfully!",
            orderId: order.id,
            tasks: tasksView(order),
          },
        });
      },
    }),
    operation({
      method: "GET",
      path: "/api/orders",
      scope: "orders:read",
      rate: "read",
      tag: TAG,
      summary: "List your orders, the newest first",
      query: {
        state: oneOf(ORDER_STATES, "In this state."),
        limit: limit(DEFAULT_LIMIT, MAX_LIMIT),
        cursor: cursor(CURSOR),
      },
      answers: { 200: pageOf("orders", orderAnswer) },
      handle: async ({ query, caller: { owner } }) => {
        const { state = null, limit: most } = query;
        const [createdAt, id = ""] = query.cursor?.split(" ") ?? [];
        const after = query.cursor === null ? null : { createdAt: Number(createdAt), id };
        const found = await listOrders(parts.shop.db, { owner, state, after, limit: most });
        const last = found.length === most ? found.at(-1) : undefined;
        return Response.json({
          orders: found.map(orderView),
          next_cursor: last === undefined ? null : `${last.createdAt} ${last.id}`,
        });
      },
    }),
    operation({
      method: "GET",
      path: "/api/orders/:id",
      scope: "orders:read",
      rate: "read",
      tag: TAG,
      summary: "Show an order with its payment, items and tasks",
      params: { id: shopId },
      answers: { 200: wholeOrderAnswer },
      handle: async ({ params, caller }) => {
        const order = await orderToSee(parts, caller, params.id);
        const [payment, items] = await Promise.all([
          findPayment(parts.shop.db, order.id),
          findItems(parts.shop.db, [order.id]),
        ]);
        return Response.json({
          ...orderView(order),
          payment: payment && paymentView(payment),
          items: items.get(order.id)?.map(itemView) ?? [],
          tasks: tasksView(order),
        });
      },
    }),
    operation({
      method: "GET",
      path: "/api/orders/:id/emails",
      scope: "orders:read",
      rate: "read",
      tag: TAG,
      summary: "List an order's mails",
      params: { id: shopId },
      answers: { 200: z.strictObject({ emails: z.array(emailAnswer) }) },
      handle: async ({ params, caller }) => {
        const order = await orderToSee(parts, caller, params.id);
        const { db } = parts.shop;
        const keys = [order.emailTaskId, mailKeyOf(order.id)];
        const mails = await Promise.all(
          keys.map((taskId) => listEmails(db, { taskId, limit: MAX_EMAILS })),
        );
        return Response.json({ emails: mails.flat().map(emailView) });
      },
    }),
  ];
}

function newOrder(body: z.output<typeof orderSchema>): NewOrder {
  const { totalAmount, items, locale: language = null, ...same } = body;
  return {
    ...same,
    amountMinor: totalAmount,
    locale: language,
    items: items.map(({ sku = null, sellerId = null, unitPrice, ...item }) => ({
      ...item,
      sku,
      sellerId,
      unitPriceMinor: unitPrice,
    })),
  };
}

function wrongTotal({ items, amountMinor }: NewOrder): FieldError[] {
  const sum = items.reduce((total, item) => total + item.quantity * item.unitPriceMinor, 0);
  if (items.length === 0 || sum === amountMinor) return [];
  return [{ field: "totalAmount", message: "Must be the sum of the items." }];
}

async function unknownSellers(parts: ApiParts, { items }: NewOrder): Promise<FieldError[]> {
  const ids = new Set(items.flatMap(({ sellerId }) => sellerId ?? []));
  if (ids.size === 0) return [];
  const sellers = await findUsers(parts.shop.db, [...ids]);
  return items.flatMap(({ sellerId }, index) =>
    sellerId === null || sellers.has(sellerId)
      ? []
      : [{ field: `items.${index}.sellerId`, message: "There is no such account." }],
  );
}

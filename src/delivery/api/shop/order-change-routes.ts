import * as z from "zod";
import { changeOrder, payAgain, type OrderRequest } from "#domain/checkout";
import type { Scope } from "../callers/access.ts";
import { operation } from "../http/operation.ts";
import { conflict, invalid, notFound } from "../http/problems.ts";
import type { ApiParts, Route } from "../route.ts";
import { missingMethod, paymentMethod, shopId } from "./fields.ts";
import { orderFor } from "./order-access.ts";
import { orderAnswer, orderView, startedOrderAnswer, tasksView } from "./order-views.ts";
import { mayAsk } from "./people.ts";

const paySchema = z.strictObject({ paymentMethod: paymentMethod.optional() });

const TAG = "orders";

/**
 * What the shop's side does with an order; its owner may cancel it too, until it is shipped, and pay it by
 * something else when its payment was declined.
 */
export function orderChangeRoutes(parts: ApiParts): Route[] {
  function change(request: OrderRequest, scope: Scope, summary: string): Route {
    return operation({
      method: "POST",
      path: `/api/orders/:id/${request}`,
      scope,
      rate: "submit",
      tag: TAG,
      summary,
      params: { id: shopId },
      answers: { 200: orderAnswer },
      problems: { 409: ["wrong_state"] },
      handle: async ({ params: { id = "" }, caller, background }) => {
        const { owner } = await orderFor(parts, caller, id);
        const lovage = parts.lovageFor(owner);
        const answer = await changeOrder({ ...parts.shop, background }, lovage, id, request);
        if (answer === null) throw notFound();
        const { kind, order } = answer;
        if (kind === "conflict") throw conflict("wrong_state", reasonOf(request, order.state));
        return Response.json(orderView(order));
      },
    });
  }
  return [
    change("ship", "orders:manage", "Say that an order is on its way"),
    change("deliver", "orders:manage", "Say that an order has arrived"),
    change("cancel", "orders:write", "Cancel an order that is not shipped"),
    change("refund", "orders:manage", "Give the money of an order back"),
    operation({
      method: "POST",
      path: "/api/orders/:id/pay",
      scope: "orders:write",
      rate: "submit",
      tag: TAG,
      summary: "Pay an order whose payment was declined",
      params: { id: shopId },
      body: paySchema,
      example: { paymentMethod: "pm_card_visa" },
      answers: { 200: startedOrderAnswer },
      problems: { 409: ["wrong_state"], 429: ["too_many_tries"] },
      handle: async ({ params: { id = "" }, caller, background, body }) => {
        const { owner } = await orderFor(parts, caller, id);
        const errors = missingMethod(parts.shop.gateway, body.paymentMethod);
        if (errors.length > 0) throw invalid(errors);
        await mayAsk(parts, caller, "paying");
        const paying = { ...parts.shop, background };
        const method = body.paymentMethod ?? null;
        const answer = await payAgain(paying, parts.lovageFor(owner), id, method);
        if (answer === null) throw notFound();
        const { kind, order } = answer;
        if (kind === "conflict") {
          throw conflict(
            "wrong_state",
            `The order is ${order.state}: no payment of it was declined.`,
          );
        }
        return Response.json({ ...orderView(order), tasks: tasksView(order) });
      },
    }),
  ];
}

function reasonOf(request: OrderRequest, state: string): string {
  return request === "refund"
    ? `The order is ${state} and nothing of its payment is there to be refunded.`
    : `The order is ${state}: it can't be asked to ${request}.`;
}

import { z } from "zod";
import { changeOrder, payAgain, type OrderRequest } from "#domain/checkout";
import type { Scope } from "../access.ts";
import { readBody } from "../body.ts";
import { conflict, invalid, notFound } from "../problems.ts";
import type { ApiParts, Route } from "../route.ts";
import { missingMethod, paymentMethod } from "./fields.ts";
import { orderFor } from "./order-access.ts";
import { orderView, tasksView } from "./order-views.ts";
import { mayAsk } from "./people.ts";

const paySchema = z.strictObject({ paymentMethod: paymentMethod.optional() });

/**
 * What the shop's side does with an order; its owner may cancel it too, until it is shipped, and pay it by
 * something else when its payment was declined.
 */
export function orderChangeRoutes(parts: ApiParts): Route[] {
  function change(request: OrderRequest, scope: Scope): Route {
    return {
      method: "POST",
      path: `/api/orders/:id/${request}`,
      scope,
      handle: async ({ params: { id = "" }, caller, background }) => {
        const { owner } = await orderFor(parts, caller, id);
        const lovage = parts.lovageFor(owner);
        const answer = await changeOrder({ ...parts.shop, background }, lovage, id, request);
        if (answer === null) throw notFound();
        const { kind, order } = answer;
        if (kind === "conflict") throw conflict("wrong_state", reasonOf(request, order.state));
        return Response.json(orderView(order));
      },
    };
  }
  return [
    change("ship", "orders:manage"),
    change("deliver", "orders:manage"),
    change("cancel", "orders:write"),
    change("refund", "orders:manage"),
    {
      method: "POST",
      path: "/api/orders/:id/pay",
      scope: "orders:write",
      handle: async ({ request, params: { id = "" }, caller, background }) => {
        const { owner } = await orderFor(parts, caller, id);
        const body = await readBody(request, paySchema);
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
    },
  ];
}

function reasonOf(request: OrderRequest, state: string): string {
  return request === "refund"
    ? `The order is ${state} and nothing of its payment is there to be refunded.`
    : `The order is ${state}: it can't be asked to ${request}.`;
}

import { changeOrder, type OrderRequest } from "#domain/checkout";
import type { Scope } from "../access.ts";
import { conflict, notFound } from "../problems.ts";
import type { ApiParts, Route } from "../route.ts";
import { orderFor } from "./order-access.ts";
import { orderView } from "./order-views.ts";

/** What the shop's side does with an order; its owner may cancel it too, until it is shipped. */
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
  ];
}

function reasonOf(request: OrderRequest, state: string): string {
  return request === "refund"
    ? `The order is ${state} and nothing of its payment is there to be refunded.`
    : `The order is ${state}: it can't be asked to ${request}.`;
}

import { findOrder, type Order } from "#domain/orders";
import { may, owns, type Caller } from "../callers/access.ts";
import { notFound } from "../http/problems.ts";
import type { ApiParts } from "../route.ts";

/**
 * An order that the caller may change: their own, or any for the shop's people.
 * @throws Problem 404: what isn't the caller's is not there
 */
export async function orderFor({ shop }: ApiParts, caller: Caller, id = ""): Promise<Order> {
  const order = await findOrder(shop.db, id);
  if (order === null) throw notFound();
  if (!owns(caller, order.owner) && !may(caller, "orders:manage")) throw notFound();
  return order;
}

/**
 * An order that the caller may see: also who may see everything.
 * @throws Problem 404 as `orderFor`
 */
export async function orderToSee(parts: ApiParts, caller: Caller, id = ""): Promise<Order> {
  if (!may(caller, "monitor")) return orderFor(parts, caller, id);
  const order = await findOrder(parts.shop.db, id);
  if (order === null) throw notFound();
  return order;
}

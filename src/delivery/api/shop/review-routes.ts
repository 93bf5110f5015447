import { z } from "zod";
import { findProducts } from "#domain/catalog";
import { findItems, findOrder } from "#domain/orders";
import { deleteReview, listReviews, putReview, ratingOf, type Review } from "#domain/reviews";
import { owns } from "../access.ts";
import { readBody } from "../body.ts";
import { conflict, invalid, notFound } from "../problems.ts";
import { QueryReader } from "../query.ts";
import type { ApiParts, Route } from "../route.ts";
import { shopId } from "./fields.ts";

const reviewSchema = z.strictObject({
  sku: shopId.optional(),
  rating: z.int().min(1).max(5),
  text: z.string().max(5_000).default(""),
});

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;
/** The id of the last one of a page. */
const CURSOR = /^\d{1,15}$/;

export function reviewRoutes({ shop }: ApiParts): Route[] {
  return [
    {
      method: "POST",
      path: "/api/orders/:id/reviews",
      scope: "orders:write",
      handle: async ({ request, params: { id = "" }, caller }) => {
        const { sku, ...said } = await readBody(request, reviewSchema);
        const order = await findOrder(shop.db, id);
        if (order === null || !owns(caller, order.owner)) throw notFound();
        if (order.state !== "delivered") {
          throw conflict("wrong_state", `The order is ${order.state}: it was not delivered.`);
        }
        const items = (await findItems(shop.db, [id])).get(id) ?? [];
        const skus = items.flatMap((item) => item.sku ?? []);
        if (sku === undefined ? skus.length > 0 : !skus.includes(sku)) {
          throw invalid([{ field: "sku", message: "Must be an article of the order." }]);
        }
        const review = { ...said, orderId: id, sku: sku ?? "" };
        return Response.json(reviewView(await putReview(shop.db, review, shop.clock.now())));
      },
    },
    {
      method: "GET",
      path: "/api/products/:sku/reviews",
      scope: "public",
      handle: async ({ query, params: { sku = "" } }) => {
        const reader = new QueryReader(query);
        const limit = reader.integer("limit", DEFAULT_LIMIT, MAX_LIMIT);
        const cursor = reader.cursor("cursor", CURSOR);
        reader.check();
        const { reviews: count, average } = await ratingOf(shop.db, sku);
        if (count === 0 && !(await findProducts(shop.db, [sku])).has(sku)) throw notFound();
        const found = await listReviews(
          shop.db,
          sku,
          cursor === null ? null : Number(cursor),
          limit,
        );
        return Response.json({
          sku,
          count,
          average,
          reviews: found.map(reviewView),
          next_cursor: found.length === limit ? String(found.at(-1)?.id) : null,
        });
      },
    },
    {
      method: "DELETE",
      path: "/api/reviews/:id",
      scope: "admin",
      handle: async ({ params: { id = "" } }) => {
        const isThere = /^\d{1,15}$/.test(id) && (await deleteReview(shop.db, Number(id)));
        if (!isThere) throw notFound();
        return new Response(null, { status: 204 });
      },
    },
  ];
}

/** Everybody may see it: nothing says whose it is. */
function reviewView({ id, sku, rating, text, createdAt, updatedAt }: Review) {
  return {
    ...{ id, sku: sku === "" ? null : sku, rating, text },
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
  };
}

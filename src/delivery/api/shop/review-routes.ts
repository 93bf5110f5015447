import * as z from "zod";
import { findProducts } from "#domain/catalog";
import { findItems, findOrder } from "#domain/orders";
import { deleteReview, listReviews, putReview, ratingOf, type Review } from "#domain/reviews";
import { owns } from "../callers/access.ts";
import { isoTime, pageOf } from "../http/answers.ts";
import { operation } from "../http/operation.ts";
import { conflict, invalid, notFound } from "../http/problems.ts";
import { cursor, limit } from "../http/query-params.ts";
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

const TAG = "reviews";

const reviewAnswer = z
  .strictObject({
    id: z.int(),
    sku: z.string().nullable().describe("Null: the order as a whole."),
    rating: z.int().min(1).max(5),
    text: z.string(),
    createdAt: isoTime,
    updatedAt: isoTime,
  })
  .meta({ id: "Review" });

export function reviewRoutes({ shop }: ApiParts): Route[] {
  return [
    operation({
      method: "POST",
      path: "/api/orders/:id/reviews",
      scope: "orders:write",
      rate: "submit",
      tag: TAG,
      summary: "Review an order, or an article of it",
      description: "Said again, it takes the place of what was said before.",
      params: { id: shopId },
      body: reviewSchema,
      example: { sku: "mug", rating: 5, text: "Holds coffee." },
      answers: { 200: reviewAnswer },
      problems: { 409: ["wrong_state"] },
      handle: async ({ params: { id = "" }, caller, body: { sku, ...said } }) => {
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
    }),
    operation({
      method: "GET",
      path: "/api/products/:sku/reviews",
      scope: "public",
      rate: "public",
      tag: TAG,
      summary: "List a product's reviews, the newest first",
      params: { sku: shopId },
      query: { limit: limit(DEFAULT_LIMIT, MAX_LIMIT), cursor: cursor(CURSOR) },
      answers: {
        200: pageOf("reviews", reviewAnswer).extend({
          sku: z.string(),
          count: z.int(),
          average: z.number().nullable(),
        }),
      },
      handle: async ({ query, params: { sku = "" } }) => {
        const { reviews: count, average } = await ratingOf(shop.db, sku);
        if (count === 0 && !(await findProducts(shop.db, [sku])).has(sku)) throw notFound();
        const found = await listReviews(
          shop.db,
          sku,
          query.cursor === null ? null : Number(query.cursor),
          query.limit,
        );
        return Response.json({
          sku,
          count,
          average,
          reviews: found.map(reviewView),
          next_cursor: found.length === query.limit ? String(found.at(-1)?.id) : null,
        });
      },
    }),
    operation({
      method: "DELETE",
      path: "/api/reviews/:id",
      scope: "admin",
      rate: "control",
      tag: TAG,
      summary: "Delete a review",
      answers: { 204: "It is gone." },
      handle: async ({ params: { id = "" } }) => {
        const isThere = /^\d{1,15}$/.test(id) && (await deleteReview(shop.db, Number(id)));
        if (!isThere) throw notFound();
        return new Response(null, { status: 204 });
      },
    }),
  ];
}

/** Everybody may see it: nothing says whose it is. */
function reviewView(review: Review): z.output<typeof reviewAnswer> {
  const { id, sku, rating, text, createdAt, updatedAt } = review;
  return {
    ...{ id, sku: sku === "" ? null : sku, rating, text },
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
  };
}

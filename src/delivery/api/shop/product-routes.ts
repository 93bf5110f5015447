import * as z from "zod";
import { findUsers } from "#domain/accounts";
import { findProducts, listProducts, putProducts, type Product } from "#domain/catalog";
import { isoTime, pageOf } from "../http/answers.ts";
import { operation } from "../http/operation.ts";
import { invalid, notFound } from "../http/problems.ts";
import { cursor, limit } from "../http/query-params.ts";
import type { ApiParts, Route } from "../route.ts";
import { amount, currency, decimalOf, shopId } from "./fields.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;
/** The last sku of a page. */
const CURSOR = /^[\w.:-]{1,64}$/;

const productSchema = z.strictObject({
  name: z.string().min(1).max(200),
  price: amount,
  currency: currency.default("USD"),
  sellerId: z.int().positive().nullable().default(null),
});

const TAG = "products";

const productAnswer = z
  .strictObject({
    sku: z.string(),
    name: z.string(),
    price: z.number(),
    currency: z.string(),
    sellerId: z.int().nullable(),
    updatedAt: isoTime,
  })
  .meta({ id: "Product" });

/** The catalog: everybody reads it, the shop's side writes it. */
export function productRoutes({ shop }: ApiParts): Route[] {
  return [
    operation({
      method: "GET",
      path: "/api/products",
      scope: "public",
      rate: "public",
      tag: TAG,
      summary: "List the products",
      query: { limit: limit(DEFAULT_LIMIT, MAX_LIMIT), cursor: cursor(CURSOR) },
      answers: { 200: pageOf("products", productAnswer) },
      handle: async ({ query }) => {
        const found = await listProducts(shop.db, query.cursor ?? "", query.limit);
        return Response.json({
          products: found.map(productView),
          next_cursor: found.length === query.limit ? (found.at(-1)?.sku ?? null) : null,
        });
      },
    }),
    operation({
      method: "GET",
      path: "/api/products/:sku",
      scope: "public",
      rate: "public",
      tag: TAG,
      summary: "Show a product",
      params: { sku: shopId },
      answers: { 200: productAnswer },
      handle: async ({ params: { sku = "" } }) => {
        const product = (await findProducts(shop.db, [sku])).get(sku);
        if (product === undefined) throw notFound();
        return Response.json(productView(product));
      },
    }),
    operation({
      method: "PUT",
      path: "/api/products/:sku",
      scope: "orders:manage",
      rate: "submit",
      tag: TAG,
      summary: "Add or change a product",
      params: { sku: shopId },
      body: productSchema,
      example: { name: "Mug", price: 12.5 },
      answers: { 200: productAnswer },
      handle: async ({ params: { sku = "" }, body: { price, ...same } }) => {
        const { sellerId } = same;
        const [wrongSku] = shopId.safeParse(sku).error?.issues ?? [];
        if (wrongSku !== undefined) throw invalid([{ field: "sku", message: wrongSku.message }]);
        if (sellerId !== null && !(await findUsers(shop.db, [sellerId])).has(sellerId)) {
          throw invalid([{ field: "sellerId", message: "There is no such account." }]);
        }
        const product = { ...same, sku, priceMinor: price, updatedAt: shop.clock.now() };
        await shop.db.batch([putProducts(shop.db, [product])]);
        return Response.json(productView(product));
      },
    }),
  ];
}

function productView(product: Product): z.output<typeof productAnswer> {
  const { sku, name, priceMinor, currency: unit, sellerId, updatedAt } = product;
  return {
    ...{ sku, name, price: decimalOf(priceMinor), currency: unit, sellerId },
    updatedAt: new Date(updatedAt).toISOString(),
  };
}

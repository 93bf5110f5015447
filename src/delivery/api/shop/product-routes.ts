import { z } from "zod";
import { findUsers } from "#domain/accounts";
import { findProducts, listProducts, putProducts, type Product } from "#domain/catalog";
import { readBody } from "../body.ts";
import { invalid, notFound } from "../problems.ts";
import { QueryReader } from "../query.ts";
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

/** The catalog: everybody reads it, the shop's side writes it. */
export function productRoutes({ shop }: ApiParts): Route[] {
  return [
    {
      method: "GET",
      path: "/api/products",
      scope: "public",
      handle: async ({ query }) => {
        const reader = new QueryReader(query);
        const limit = reader.integer("limit", DEFAULT_LIMIT, MAX_LIMIT);
        const cursor = reader.cursor("cursor", CURSOR);
        reader.check();
        const found = await listProducts(shop.db, cursor ?? "", limit);
        return Response.json({
          products: found.map(productView),
          next_cursor: found.length === limit ? (found.at(-1)?.sku ?? null) : null,
        });
      },
    },
    {
      method: "GET",
      path: "/api/products/:sku",
      scope: "public",
      handle: async ({ params: { sku = "" } }) => {
        const product = (await findProducts(shop.db, [sku])).get(sku);
        if (product === undefined) throw notFound();
        return Response.json(productView(product));
      },
    },
    {
      method: "PUT",
      path: "/api/products/:sku",
      scope: "orders:manage",
      handle: async ({ request, params: { sku = "" } }) => {
        const { price, ...same } = await readBody(request, productSchema);
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
    },
  ];
}

function productView({ sku, name, priceMinor, currency: unit, sellerId, updatedAt }: Product) {
  return {
    ...{ sku, name, price: decimalOf(priceMinor), currency: unit, sellerId },
    updatedAt: new Date(updatedAt).toISOString(),
  };
}

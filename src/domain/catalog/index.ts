import { gt, inArray, sql } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { products } from "./tables.ts";

/** A product as it is stored; see tables.ts for units. */
export type Product = typeof products.$inferSelect;

/** Those of the products that exist, by sku, in one query. */
export async function findProducts(
  db: DrizzleD1Database,
  skus: readonly string[],
): Promise<Map<string, Product>> {
  const wanted = sql`(SELECT value FROM json_each(${JSON.stringify(skus)}))`;
  const found = await db.select().from(products).where(inArray(products.sku, wanted));
  return new Map(found.map((product) => [product.sku, product]));
}

/** Products by their sku, from behind `after` on. */
export function listProducts(
  db: DrizzleD1Database,
  after: string,
  limit: number,
): Promise<Product[]> {
  return db
    .select()
    .from(products)
    .where(gt(products.sku, after))
    .orderBy(products.sku)
    .limit(limit);
}

/** The statement that writes products, or writes them anew. Rows written: 1 each. Some hundreds at a time. */
export function putProducts(db: DrizzleD1Database, items: readonly Product[]): BatchItem<"sqlite"> {
  const values = JSON.stringify(
    items.map(({ sku, name, priceMinor, currency, sellerId, updatedAt }) => [
      ...[sku, name, priceMinor, currency, sellerId, updatedAt],
    ]),
  );
  return db
    .insert(products)
    .select(
      sql`SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5
        FROM json_each(${values}) WHERE true`,
    )
    .onConflictDoUpdate({
      target: products.sku,
      set: {
        name: sql`excluded.name`,
        priceMinor: sql`excluded.price_minor`,
        currency: sql`excluded.currency`,
        sellerId: sql`excluded.seller_id`,
        updatedAt: sql`excluded.updated_at`,
      },
    });
}

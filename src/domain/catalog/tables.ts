import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * What the shop sells. Written by imports and by requests; read by requests and carts; deleted by nobody. WITHOUT ROWID.
 */
export const products = sqliteTable("products", {
  /** The shop's own number of the article. */
  sku: text().primaryKey(),
  name: text().notNull(),
  /** Minor units of the currency. */
  priceMinor: integer("price_minor").notNull(),
  /** ISO 4217. */
  currency: text().notNull(),
  /** The account that sells it; null: the shop itself. */
  sellerId: integer("seller_id"),
  /** Epoch ms. */
  updatedAt: integer("updated_at").notNull(),
});

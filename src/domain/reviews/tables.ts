import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

/**
 * What customers say of what they got: one review per order and article. Written by the order's owner, who
 * may change it; read by everybody; deleted by admins. The indexes are for an order's reviews and for the
 * list of an article's.
 */
export const reviews = sqliteTable(
  "reviews",
  {
    /** Counted up; never given again, so that a repeated deletion finds nothing. */
    id: integer().primaryKey({ autoIncrement: true }),
    orderId: text("order_id").notNull(),
    /** Empty: of the order as a whole, which names no articles. */
    sku: text().notNull(),
    /** 1 to 5. */
    rating: integer().notNull(),
    /** May be empty. */
    text: text().notNull(),
    /** Epoch ms. */
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [
    uniqueIndex("reviews_order").on(table.orderId, table.sku),
    index("reviews_sku").on(table.sku),
  ],
);

/**
 * How an article was rated, so that nobody has to count. Written in the batch of every review; read with the
 * list; deleted by nobody. WITHOUT ROWID.
 */
export const productRatings = sqliteTable("product_ratings", {
  sku: text().primaryKey(),
  /** Reviews, and the sum of their ratings. */
  reviews: integer().notNull(),
  ratingSum: integer("rating_sum").notNull(),
});

import { and, desc, eq, lt, sql, type SQL } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { withdrawMail } from "../mail/index.ts";
import { mailKeyOf } from "../orders/index.ts";
import { productRatings, reviews } from "./tables.ts";

export const REMINDER_MAIL = "review_reminder";

/** The statement that takes back a reminder which could not be sent so far. Rows written: 1 or 0. */
export function withdrawReminder(db: DrizzleD1Database, orderId: string): BatchItem<"sqlite"> {
  return withdrawMail(db, { key: mailKeyOf(orderId), template: REMINDER_MAIL });
}

export type Review = typeof reviews.$inferSelect;

/** A review as it is written. */
export type NewReview = Pick<Review, "orderId" | "sku" | "rating" | "text">;

/**
 * Writes the review of an order's article, or writes it anew; with the article's sum, in one batch. Nobody is
 * asked for it any more. Rows written: 5, or 4 when it was there; 1 more for a reminder that is taken back.
 */
export async function putReview(
  db: DrizzleD1Database,
  review: NewReview,
  now: number,
): Promise<Review> {
  const { orderId, sku, rating, text } = review;
  const isThis = sql`order_id = ${orderId} AND sku = ${sku}`;
  const [, [stored]] = await db.batch([
    takeOut(db, sku, isThis),
    db
      .insert(reviews)
      .values({ ...review, createdAt: now, updatedAt: now })
      .onConflictDoUpdate({
        target: [reviews.orderId, reviews.sku],
        set: { rating, text, updatedAt: now },
      })
      .returning(),
    db
      .insert(productRatings)
      .values({ sku, reviews: 1, ratingSum: rating })
      .onConflictDoUpdate({
        target: productRatings.sku,
        set: { reviews: sql`reviews + 1`, ratingSum: sql`rating_sum + ${rating}` },
      }),
    withdrawReminder(db, orderId),
  ]);
  if (stored === undefined) throw new Error("The review was not written.");
  return stored;
}

/** Deletes a review; false: there was none. Twice at once, it counts once. Rows written: 2. */
export async function deleteReview(db: DrizzleD1Database, id: number): Promise<boolean> {
  const [review] = await db.select().from(reviews).where(eq(reviews.id, id));
  if (review === undefined) return false;
  const [, deleted] = await db.batch([
    takeOut(db, review.sku, sql`id = ${id}`),
    db.delete(reviews).where(eq(reviews.id, id)).returning({ id: reviews.id }),
  ]);
  return deleted.length > 0;
}

/** The statement that takes a review that may be there out of its article's sum. */
function takeOut(db: DrizzleD1Database, sku: string, isThis: SQL): BatchItem<"sqlite"> {
  const rating = sql`(SELECT rating FROM reviews WHERE ${isThis})`;
  return db
    .update(productRatings)
    .set({ reviews: sql`reviews - 1`, ratingSum: sql`rating_sum - ${rating}` })
    .where(and(eq(productRatings.sku, sku), sql`${rating} IS NOT NULL`));
}

/** An article's reviews, the newest first. @param after the id of the last one of the page before */
export function listReviews(
  db: DrizzleD1Database,
  sku: string,
  after: number | null,
  limit: number,
): Promise<Review[]> {
  const behind = after === null ? undefined : lt(reviews.id, after);
  return db
    .select()
    .from(reviews)
    .where(and(eq(reviews.sku, sku), behind))
    .orderBy(desc(reviews.id))
    .limit(limit);
}

/** How many reviews an article has, and what they say on average; null: it has none. */
export async function ratingOf(
  db: DrizzleD1Database,
  sku: string,
): Promise<{ reviews: number; average: number | null }> {
  const [row] = await db.select().from(productRatings).where(eq(productRatings.sku, sku));
  if (row === undefined || row.reviews === 0) return { reviews: 0, average: null };
  return { reviews: row.reviews, average: Math.round((row.ratingSum / row.reviews) * 100) / 100 };
}

/** Those of the orders that have a review, in one query. */
export async function reviewedOrders(
  db: DrizzleD1Database,
  orderIds: readonly string[],
): Promise<Set<string>> {
  const found = await db
    .selectDistinct({ orderId: reviews.orderId })
    .from(reviews)
    .where(sql`order_id IN (SELECT value FROM json_each(${JSON.stringify(orderIds)}))`);
  return new Set(found.map(({ orderId }) => orderId));
}

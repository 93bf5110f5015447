import { asc, eq, sql, type SQL } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { sellerVerifications } from "./tables.ts";

/** A seller's verification as it is stored; see tables.ts for units. */
export type Verification = typeof sellerVerifications.$inferSelect;

/** What a seller's verification is called among the changes. */
export function subjectOf(userId: number): string {
  return `seller:${userId}`;
}

/** Null: they never submitted anything. */
export async function findVerification(
  db: DrizzleD1Database,
  userId: number,
): Promise<Verification | null> {
  const [found] = await db
    .select()
    .from(sellerVerifications)
    .where(eq(sellerVerifications.userId, userId));
  return found ?? null;
}

/** Those that wait for a decision, the longest waiting first. */
export function listPendingVerifications(
  db: DrizzleD1Database,
  limit: number,
): Promise<Verification[]> {
  return db
    .select()
    .from(sellerVerifications)
    .where(sql`status = 'PENDING'`)
    .orderBy(asc(sellerVerifications.submittedAt))
    .limit(limit);
}

/** The condition that a seller is verified, for other statements. */
export function isVerified(userId: number): SQL {
  return sql`EXISTS (SELECT 1 FROM seller_verifications
    WHERE user_id = ${userId} AND status = 'VERIFIED')`;
}

/** The statement that writes a verification, or writes it anew. Rows written: up to 2. */
export function putVerification(
  db: DrizzleD1Database,
  verification: Verification,
): BatchItem<"sqlite"> {
  return db
    .insert(sellerVerifications)
    .values(verification)
    .onConflictDoUpdate({ target: sellerVerifications.userId, set: verification });
}

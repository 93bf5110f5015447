import { and, desc, eq, isNull, or, lt, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { DifferenceKind, Evidence } from "./reconcile-kinds.ts";
import { IS_OPEN, IS_RESOLVED, paymentDifferences, paymentReconciliations } from "./tables.ts";

export type Difference = typeof paymentDifferences.$inferSelect;
export type Reconciliation = typeof paymentReconciliations.$inferSelect;

/** A difference as a run found it. */
export interface Finding {
  readonly kind: DifferenceKind;
  readonly evidence: Evidence;
  /** Whether the run is about to bring it in order. */
  readonly isMended: boolean;
}

/**
 * Writes what was found, before anything is done about it, so that a crash leaves it to be looked at again.
 * Found again it is the same row: open again if it was gone meanwhile; what a person resolved stays so.
 * Rows written: 3.
 * @param seenAt when the run began, epoch ms
 * @returns its id
 */
export async function recordFinding(
  db: DrizzleD1Database,
  { kind, evidence, isMended }: Finding,
  seenAt: number,
): Promise<string> {
  const { orderId, order, payment, charge } = evidence;
  const row: Difference = {
    id: await findingId(kind, evidence),
    ...{ kind, orderId, reference: referenceIn(evidence) },
    ...{ orderState: order?.state ?? null, paymentState: payment?.state ?? null },
    ...{ dueMinor: order?.amountMinor ?? null, dueCurrency: order?.currency ?? null },
    ...{ takenMinor: charge?.takenMinor ?? 0, refundedMinor: charge?.refundedMinor ?? 0 },
    ...{ takenCurrency: charge?.currency ?? null, isMended, firstSeenAt: seenAt },
    ...{ lastSeenAt: seenAt, resolvedAt: null, resolvedBy: null, note: null },
  };
  const { orderState, paymentState } = row;
  await db
    .insert(paymentDifferences)
    .values(row)
    .onConflictDoUpdate({
      target: paymentDifferences.id,
      set: {
        ...{ orderState, paymentState, isMended, lastSeenAt: seenAt },
        firstSeenAt: sql`CASE WHEN resolved_at IS NULL OR resolved_by IS NOT NULL
          THEN first_seen_at ELSE ${seenAt} END`,
        resolvedAt: sql`CASE WHEN resolved_by IS NULL THEN NULL ELSE resolved_at END`,
      },
    });
  return row.id;
}

/** Which difference it is: with other figures it is another. */
export async function findingId(kind: DifferenceKind, evidence: Evidence): Promise<string> {
  const { orderId, order, charge } = evidence;
  const figures = [order?.amountMinor, order?.currency, charge?.takenMinor, charge?.refundedMinor];
  // The charge of these may yet be opened, or found: the order is what they are about.
  const isOfOrder = ["unknown_outcome", "paid_without_payment", "never_charged"].includes(kind);
  const content = JSON.stringify([
    ...[kind, orderId, isOfOrder ? null : referenceIn(evidence)],
    ...figures.map((figure) => figure ?? 0),
    ...(kind === "other_currency" ? [charge?.currency] : []),
  ]);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(content));
  return Array.from(new Uint8Array(digest, 0, 16), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}

function referenceIn({ charge, payment }: Evidence): string | null {
  return charge?.reference ?? payment?.reference ?? null;
}

/** It is no longer there: mended, or gone by itself. Rows written: 2, or 0 if it was resolved. */
export async function closeDifference(
  db: DrizzleD1Database,
  id: string,
  now: number,
): Promise<void> {
  await db
    .update(paymentDifferences)
    .set({ resolvedAt: now })
    .where(and(eq(paymentDifferences.id, id), isNull(paymentDifferences.resolvedAt)));
}

/** It was to be mended, and is still there: it waits for a person. Rows written: 1 or 0. */
export async function leaveOpen(db: DrizzleD1Database, id: string): Promise<void> {
  await db
    .update(paymentDifferences)
    .set({ isMended: false })
    .where(and(eq(paymentDifferences.id, id), isNull(paymentDifferences.resolvedAt)));
}

/** Open differences that a run has yet to look at: not seen by it, or not known to be mended. By id. */
export function findUnsure(
  db: DrizzleD1Database,
  runAt: number,
  after: string,
  limit: number,
): Promise<Difference[]> {
  const { id, lastSeenAt, isMended } = paymentDifferences;
  return db
    .select()
    .from(paymentDifferences)
    .where(and(IS_OPEN, or(lt(lastSeenAt, runAt), eq(isMended, true)), sql`${id} > ${after}`))
    .orderBy(id)
    .limit(limit);
}

/** What a run found: all, those that it mended, and those that nobody knew of and that are open. */
export async function countFindings(
  db: DrizzleD1Database,
  runAt: number,
): Promise<{ all: number; mended: number; fresh: ReadonlyMap<DifferenceKind, number> }> {
  const found = await db
    .select({
      kind: paymentDifferences.kind,
      all: sql<number>`count(*)`,
      mended: sql<number>`sum(is_mended)`,
      fresh: sql<number>`sum(first_seen_at = ${runAt} AND resolved_at IS NULL)`,
    })
    .from(paymentDifferences)
    .where(eq(paymentDifferences.lastSeenAt, runAt))
    .groupBy(paymentDifferences.kind);
  return {
    all: found.reduce((sum, { all }) => sum + all, 0),
    mended: found.reduce((sum, { mended }) => sum + mended, 0),
    fresh: new Map(found.flatMap(({ kind, fresh }) => (fresh > 0 ? [[kind, fresh]] : []))),
  };
}

/** The last complete run; null: there was none. */
export async function lastReconciliation(db: DrizzleD1Database): Promise<Reconciliation | null> {
  const [last] = await db
    .select()
    .from(paymentReconciliations)
    .orderBy(desc(paymentReconciliations.untilAt))
    .limit(1);
  return last ?? null;
}

/** A place in a list of differences, the newest first. */
export interface DifferencePlace {
  readonly firstSeenAt: number;
  readonly id: string;
}

/** The open ones or the resolved ones, the newest first. */
export function listDifferences(
  db: DrizzleD1Database,
  wanted: {
    readonly isOpen: boolean;
    /** Null: from the newest on. */
    readonly after: DifferencePlace | null;
    readonly limit: number;
  },
): Promise<Difference[]> {
  const { after, isOpen, limit } = wanted;
  const behind = after && sql`(first_seen_at, id) < (${after.firstSeenAt}, ${after.id})`;
  return db
    .select()
    .from(paymentDifferences)
    .where(and(isOpen ? IS_OPEN : IS_RESOLVED, behind ?? undefined))
    .orderBy(desc(paymentDifferences.firstSeenAt), desc(paymentDifferences.id))
    .limit(limit);
}

/**
 * Resolves an open difference, for good. Of two at once one does. Rows written: 2 or 0.
 * @returns the difference as it is, and whether it is resolved as this call wants it; null: there is none
 */
export async function resolveDifference(
  db: DrizzleD1Database,
  id: string,
  { by, note, now }: { readonly by: string; readonly note: string; readonly now: number },
): Promise<{ difference: Difference; isGranted: boolean } | null> {
  await db
    .update(paymentDifferences)
    .set({ isMended: false, resolvedAt: now, resolvedBy: by, note })
    .where(and(eq(paymentDifferences.id, id), isNull(paymentDifferences.resolvedAt)));
  const [difference] = await db
    .select()
    .from(paymentDifferences)
    .where(eq(paymentDifferences.id, id));
  if (difference === undefined) return null;
  const isGranted = difference.resolvedBy === by && difference.note === note;
  return { difference, isGranted };
}

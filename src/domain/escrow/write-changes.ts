import { and, eq, sql } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { failUnless } from "../services/index.ts";
import type { Change, EscrowCase, Milestone, Transaction } from "./decide.ts";
import type { EscrowChange } from "./find-transactions.ts";
import { escrowEntries, escrowEvents, escrowMilestones, escrowTransactions } from "./tables.ts";
import { isVerified } from "./verification-rows.ts";

type Statement = BatchItem<"sqlite">;

/**
 * The statements that write a new transaction. Fails its batch when the id, or the request's key, is taken.
 * Rows written: up to 7, and one per milestone.
 */
export function insertCase(
  db: DrizzleD1Database,
  { transaction, milestones }: EscrowCase,
): Statement[] {
  const values = JSON.stringify(
    milestones.map(({ number, title, amountMinor }) => [number, title, amountMinor]),
  );
  return [
    db.insert(escrowTransactions).values(transaction),
    db.insert(escrowMilestones).select(
      sql`SELECT ${transaction.id}, value ->> 0, value ->> 1, value ->> 2, 'pending',
          ${transaction.sellerId}, NULL, NULL, NULL
        FROM json_each(${values}) WHERE true`,
    ),
  ];
}

/** The statement that writes a change; fails its batch when its number is taken: somebody was faster. Rows written: 1. */
export function insertChange(db: DrizzleD1Database, change: EscrowChange): Statement {
  return db.insert(escrowEvents).values(change);
}

/**
 * The statements of a change of a transaction. They need no guard on the version: a change that was decided
 * on another version has a number that is taken, and all of them fail. A funding also fails when its
 * payment was used, or its seller is not verified (any more). Rows written: 2 to 5 (the partial
 * indexes that it stays in are written anew), one or two per milestone, one or two for the money.
 */
export function writeChange(
  db: DrizzleD1Database,
  transaction: Transaction,
  { state, milestones, entry }: Change,
  change: EscrowChange,
): Statement[] {
  const { number, at } = change;
  const isFunding = change.event === "fund";
  return [
    ...(isFunding ? [failUnless(db, isVerified(transaction.sellerId))] : []),
    insertChange(db, change),
    db
      .update(escrowTransactions)
      .set({ state, version: number, updatedAt: at })
      .where(eq(escrowTransactions.id, transaction.id)),
    ...(milestones.length > 0 ? [updateMilestones(db, transaction.id, milestones)] : []),
    ...(entry === null
      ? []
      : [
          db.insert(escrowEntries).values({
            transactionId: transaction.id,
            ...entry,
            reference: isFunding ? change.detail : null,
            at,
          }),
        ]),
  ];
}

function updateMilestones(
  db: DrizzleD1Database,
  transactionId: string,
  milestones: readonly Milestone[],
): Statement {
  const values = JSON.stringify(
    milestones.map(({ number, state, pendingSince, remindAt, rejectReason }) => [
      ...[number, state, pendingSince, remindAt, rejectReason],
    ]),
  );
  return db
    .update(escrowMilestones)
    .set({
      state: sql`changed.value ->> 1`,
      pendingSince: sql`changed.value ->> 2`,
      remindAt: sql`changed.value ->> 3`,
      rejectReason: sql`changed.value ->> 4`,
    })
    .from(sql`json_each(${values}) AS changed`)
    .where(
      and(
        eq(escrowMilestones.transactionId, transactionId),
        sql`escrow_milestones.number = changed.value ->> 0`,
      ),
    );
}

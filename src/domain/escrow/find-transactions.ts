import { and, asc, desc, eq, lt, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { EscrowCase, Transaction } from "./decide.ts";
import { balanceOf, type Balance } from "./ledger.ts";
import type { TransactionState } from "./states.ts";
import { escrowEntries, escrowEvents, escrowMilestones, escrowTransactions } from "./tables.ts";

/** A change of a transaction or of a verification, as it is stored. */
export type EscrowChange = typeof escrowEvents.$inferSelect;

/** Changes that are shown of a transaction. */
const SHOWN_CHANGES = 100;

/** A transaction with its milestones, both of one moment; null: there is none with this id. */
export async function findCase(db: DrizzleD1Database, id: string): Promise<EscrowCase | null> {
  const [[transaction], milestones] = await db.batch([
    db.select().from(escrowTransactions).where(eq(escrowTransactions.id, id)),
    db
      .select()
      .from(escrowMilestones)
      .where(eq(escrowMilestones.transactionId, id))
      .orderBy(asc(escrowMilestones.number)),
  ]);
  return transaction === undefined ? null : { transaction, milestones };
}

/** What became of its money, and its newest changes, the newest first. */
export async function findAccount(
  db: DrizzleD1Database,
  id: string,
): Promise<{ balance: Balance; changes: EscrowChange[] }> {
  const [entries, changes] = await db.batch([
    db.select().from(escrowEntries).where(eq(escrowEntries.transactionId, id)),
    db
      .select()
      .from(escrowEvents)
      .where(eq(escrowEvents.subject, id))
      .orderBy(desc(escrowEvents.number))
      .limit(SHOWN_CHANGES),
  ]);
  return { balance: balanceOf(entries), changes };
}

/** A change by its number; null: it hasn't happened. */
export async function findChange(
  db: DrizzleD1Database,
  subject: string,
  number: number,
): Promise<EscrowChange | null> {
  const [change] = await db
    .select()
    .from(escrowEvents)
    .where(and(eq(escrowEvents.subject, subject), eq(escrowEvents.number, number)));
  return change ?? null;
}

/** The change that people are told of: the one of that number, else the newest of its kind; null: there is none. */
export async function findTold(
  db: DrizzleD1Database,
  subject: string,
  notification: EscrowChange["notification"],
  number: number | undefined,
): Promise<EscrowChange | null> {
  const [change] = await db
    .select()
    .from(escrowEvents)
    .where(
      and(
        eq(escrowEvents.subject, subject),
        eq(escrowEvents.notification, notification),
        number === undefined ? undefined : eq(escrowEvents.number, number),
      ),
    )
    .orderBy(desc(escrowEvents.number))
    .limit(1);
  return change ?? null;
}

/** The transaction that a payment was used for; null: none. */
export async function findFundedBy(
  db: DrizzleD1Database,
  reference: string,
): Promise<string | null> {
  const [entry] = await db
    .select({ id: escrowEntries.transactionId })
    .from(escrowEntries)
    .where(and(sql`reference IS NOT NULL`, eq(escrowEntries.reference, reference)));
  return entry?.id ?? null;
}

export interface TransactionPage {
  /** Whose, as buyer or seller; null: everybody's. */
  readonly userId: number | null;
  readonly state: TransactionState | null;
  /** Those before this id; null: from the newest on. */
  readonly before: string | null;
  readonly limit: number;
}

/** Transactions, the newest first. Everybody's of one state: those in dispute only, which have an index. */
export async function listTransactions(
  db: DrizzleD1Database,
  { userId, state, before, limit }: TransactionPage,
): Promise<Transaction[]> {
  const page = (side: "buyerId" | "sellerId" | null) =>
    db
      .select()
      .from(escrowTransactions)
      .where(
        and(
          side === null ? undefined : eq(escrowTransactions[side], userId ?? 0),
          state === null ? undefined : eq(escrowTransactions.state, state),
          before === null ? undefined : lt(escrowTransactions.id, before),
        ),
      )
      .orderBy(desc(escrowTransactions.id))
      .limit(limit);
  if (userId === null) return page(null);
  const [bought, sold] = await db.batch([page("buyerId"), page("sellerId")]);
  return [...bought, ...sold].sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, limit);
}

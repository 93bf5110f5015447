import { and, eq } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { mintTaskId } from "#engine";
import { findUsers } from "../accounts/index.ts";
import { remindOfFundingAt } from "./ages.ts";
import { decideAndCommit, type Actor, type EscrowParts } from "./commit.ts";
import type { EscrowCase, Milestone, Transaction } from "./decide.ts";
import { findCase } from "./find-transactions.ts";
import { escrowTransactions } from "./tables.ts";
import { sendTransactionNotification } from "./transaction-notification.ts";
import { insertCase, insertChange } from "./write-changes.ts";

/** A transaction as its buyer, or the shop for them, asks for it. Amounts in minor units. */
export interface NewTransaction {
  readonly buyerId: number;
  /** Not the buyer. */
  readonly sellerId: number;
  readonly title: string;
  /** ISO 4217. */
  readonly currency: string;
  /** At least one; what they cost is what the transaction costs. */
  readonly milestones: readonly { readonly title: string; readonly amountMinor: number }[];
  /** The same key of the same buyer is the same transaction; null: it is one of its own. */
  readonly requestKey: string | null;
}

/**
 * - `created`: by this call. `same`: the same was created under the key before.
 * - `key_reused`: another was.
 * - `no_buyer`, `no_seller`: there is no such account.
 */
export type CreateAnswer =
  | { readonly kind: "created" | "same"; readonly found: EscrowCase }
  | { readonly kind: "key_reused" | "no_buyer" | "no_seller" };

/** Creates a transaction, which then waits for its money, and tells both sides. */
export function createTransaction(
  parts: EscrowParts,
  { owner, isShop }: Actor,
  input: NewTransaction,
): Promise<CreateAnswer> {
  const { db, clock } = parts;
  const now = clock.now();
  const found = newCase(input, now);
  const { id } = found.transaction;
  return decideAndCommit<CreateAnswer>(parts, async () => {
    const before = await findByKey(db, input);
    if (before !== null) {
      const isSame = contentOf(before) === contentOf(found);
      const answer = isSame
        ? { kind: "same" as const, found: before }
        : { kind: "key_reused" as const };
      return { answer, write: null };
    }
    const users = await findUsers(db, [input.buyerId, input.sellerId]);
    if (!users.has(input.buyerId)) return { answer: { kind: "no_buyer" }, write: null };
    if (!users.has(input.sellerId)) return { answer: { kind: "no_seller" }, write: null };
    return {
      answer: { kind: "created", found },
      write: {
        change: {
          subject: id,
          number: 1,
          event: "create",
          notification: "created",
          milestone: null,
          detail: null,
          role: isShop ? "shop" : "buyer",
          actor: owner,
          at: now,
        },
        notification: sendTransactionNotification.s({
          transaction_id: id,
          notification_type: "created",
          change: 1,
        }),
        statements: (change) => [insertChange(db, change), ...insertCase(db, found)],
      },
    };
  });
}

function newCase({ milestones, ...input }: NewTransaction, now: number): EscrowCase {
  const id = mintTaskId(now, 0, crypto.getRandomValues(new Uint8Array(8)));
  const transaction: Transaction = {
    id,
    ...input,
    amountMinor: milestones.reduce((total, { amountMinor }) => total + amountMinor, 0),
    state: "pending_funding",
    version: 1,
    createdAt: now,
    updatedAt: now,
    remindAt: remindOfFundingAt(now),
  };
  const rows = milestones.map((milestone, index): Milestone => ({
    transactionId: id,
    number: index + 1,
    ...milestone,
    state: "pending",
    sellerId: input.sellerId,
    pendingSince: null,
    remindAt: null,
    rejectReason: null,
  }));
  return { transaction, milestones: rows };
}

async function findByKey(
  db: DrizzleD1Database,
  { buyerId, requestKey }: NewTransaction,
): Promise<EscrowCase | null> {
  if (requestKey === null) return null;
  const [known] = await db
    .select({ id: escrowTransactions.id })
    .from(escrowTransactions)
    .where(
      and(eq(escrowTransactions.buyerId, buyerId), eq(escrowTransactions.requestKey, requestKey)),
    );
  return known === undefined ? null : findCase(db, known.id);
}

/** What was asked for, to be compared. */
function contentOf({ transaction, milestones }: EscrowCase): string {
  const { sellerId, title, currency } = transaction;
  return JSON.stringify([
    ...[sellerId, title, currency],
    ...milestones.map((milestone) => [milestone.title, milestone.amountMinor]),
  ]);
}

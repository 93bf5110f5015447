import { and, eq, isNull } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { decideAndCommit, type Actor, type EscrowParts, type Proposal } from "./commit.ts";
import {
  decide,
  type Change,
  type Command,
  type EscrowCase,
  type Refusal,
  type Transaction,
} from "./decide.ts";
import { findCase, findFundedBy } from "./find-transactions.ts";
import type { Role } from "./states.ts";
import { escrowEvents } from "./tables.ts";
import { sendTransactionNotification } from "./transaction-notification.ts";
import { findVerification } from "./verification-rows.ts";
import { writeChange } from "./write-changes.ts";

/**
 * - `changed`: by this call. `same`: that was done before, nothing changed.
 * - `refused`: see `Refusal`; also `not_found` (or not theirs to see), `not_verified` (the seller), and
 *   `reference_used` (the payment paid for another transaction).
 */
export type ChangeAnswer =
  | { readonly kind: "changed" | "same"; readonly found: EscrowCase }
  | {
      readonly kind: "refused";
      readonly code: Refusal["code"] | "not_found" | "not_verified" | "reference_used";
    };

/** The sides of a transaction that somebody is on; none: it isn't theirs to see. */
export function rolesOf(
  { userId, isShop }: Actor,
  { buyerId, sellerId }: Pick<Transaction, "buyerId" | "sellerId">,
): Role[] {
  return [
    ...(userId === buyerId ? ["buyer" as const] : []),
    ...(userId === sellerId ? ["seller" as const] : []),
    ...(isShop ? ["shop" as const] : []),
  ];
}

/**
 * Does something to a transaction, if it is in order, and tells both sides. Safe to repeat: what was done
 * before answers as things are now.
 */
export function changeTransaction(
  parts: EscrowParts,
  actor: Actor,
  id: string,
  command: Command,
): Promise<ChangeAnswer> {
  return decideAndCommit(parts, async () => {
    const found = await findCase(parts.db, id);
    const roles = found === null ? [] : rolesOf(actor, found.transaction);
    if (found === null || roles.length === 0) return refused("not_found");
    const now = parts.clock.now();
    const decision = decide(found, roles, command, now);
    if (decision.kind === "refused") {
      const isRepeat = decision.code === "wrong_state" && (await happened(parts.db, id, command));
      return isRepeat ? { answer: { kind: "same", found }, write: null } : refused(decision.code);
    }
    const obstacle =
      command.event === "fund" ? await obstacleToFunding(parts.db, found, command.detail) : null;
    if (obstacle !== null) return refused(obstacle);
    return proposal(parts.db, actor, found, command, decision, now);
  });
}

function proposal(
  db: DrizzleD1Database,
  { owner }: Actor,
  { transaction, milestones }: EscrowCase,
  command: Command,
  decision: Change,
  now: number,
): Proposal<ChangeAnswer> {
  const version = transaction.version + 1;
  const { state, role, notification } = decision;
  const changed = new Map(decision.milestones.map((each) => [each.number, each]));
  return {
    answer: {
      kind: "changed",
      found: {
        transaction: { ...transaction, state, version, updatedAt: now },
        milestones: milestones.map((each) => changed.get(each.number) ?? each),
      },
    },
    write: {
      change: {
        subject: transaction.id,
        number: version,
        ...command,
        notification,
        role,
        actor: owner,
        at: now,
      },
      notification: sendTransactionNotification.s({
        transaction_id: transaction.id,
        notification_type: notification,
        change: version,
      }),
      statements: (change) => writeChange(db, transaction, decision, change),
    },
  };
}

async function obstacleToFunding(
  db: DrizzleD1Database,
  { transaction }: EscrowCase,
  reference: string | null,
): Promise<"not_verified" | "reference_used" | null> {
  const verification = await findVerification(db, transaction.sellerId);
  if (verification?.status !== "VERIFIED") return "not_verified";
  // Not this one's: it has no money yet.
  return (await findFundedBy(db, reference ?? "")) === null ? null : "reference_used";
}

/** Whether just this was done before; a funding: with the same payment. */
async function happened(
  db: DrizzleD1Database,
  id: string,
  { event, milestone, detail }: Command,
): Promise<boolean> {
  const { subject, event: done, milestone: number, detail: given } = escrowEvents;
  const [before] = await db
    .select({ event: done })
    .from(escrowEvents)
    .where(
      and(
        eq(subject, id),
        eq(done, event),
        milestone === null ? isNull(number) : eq(number, milestone),
        event === "fund" ? eq(given, detail ?? "") : undefined,
      ),
    )
    .limit(1);
  return before !== undefined;
}

function refused(code: Extract<ChangeAnswer, { kind: "refused" }>["code"]): Proposal<ChangeAnswer> {
  return { answer: { kind: "refused", code }, write: null };
}

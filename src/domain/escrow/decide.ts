import { remindOfMilestoneAt } from "./ages.ts";
import type { Entry } from "./ledger.ts";
import type { NotificationType } from "./notification-types.ts";
import {
  isMilestoneEvent,
  MAY,
  milestoneTransition,
  transactionTransition,
  type EscrowEvent,
  type MilestoneEvent,
  type Role,
  type TransactionEvent,
  type TransactionState,
} from "./states.ts";
import type { escrowMilestones, escrowTransactions } from "./tables.ts";

/** A transaction and a milestone as they are stored; see tables.ts for units. */
export type Transaction = typeof escrowTransactions.$inferSelect;
export type Milestone = typeof escrowMilestones.$inferSelect;

export interface EscrowCase {
  readonly transaction: Transaction;
  /** By their numbers. */
  readonly milestones: readonly Milestone[];
}

/** What somebody wants done. */
export interface Command {
  readonly event: EscrowEvent;
  /** The number of the milestone that it is about; null: it is about the whole. */
  readonly milestone: number | null;
  /** A reason or a note; of a funding the reference of its payment. */
  readonly detail: string | null;
}

/** What follows from a command that is in order. */
export interface Change {
  readonly kind: "change";
  /** As who it is done. */
  readonly role: Role;
  readonly state: TransactionState;
  /** Those that change, as they are afterwards. */
  readonly milestones: readonly Milestone[];
  /** The money that moves; null: none does. */
  readonly entry: Entry | null;
  readonly notification: NotificationType;
}

/**
 * - `not_allowed`: it is not for this side to do.
 * - `wrong_state`: it has no meaning as things are.
 * - `no_milestone`: there is none of that number.
 */
export interface Refusal {
  readonly kind: "refused";
  readonly code: "not_allowed" | "wrong_state" | "no_milestone";
}

/** What a command does to a transaction. Pure: nothing is changed by asking. */
export function decide(
  found: EscrowCase,
  roles: readonly Role[],
  command: Command,
  now: number,
): Change | Refusal {
  const { event } = command;
  const role = MAY[event].find((each) => roles.includes(each));
  if (role === undefined) return refused("not_allowed");
  return isMilestoneEvent(event)
    ? decideMilestone(found, role, event, command, now)
    : decideTransaction(found, role, event, now);
}

function decideTransaction(
  { transaction, milestones }: EscrowCase,
  role: Role,
  event: TransactionEvent,
  now: number,
): Change | Refusal {
  const state = transactionTransition(transaction.state, event);
  // No event leads back to the beginning.
  if (state === null || state === "pending_funding") return refused("wrong_state");
  const open = milestones.filter((each) => each.state === "pending" || each.state === "submitted");
  const change = { kind: "change", role, state, notification: state } as const;
  switch (event) {
    case "fund":
      return {
        ...change,
        milestones: open.map((each) => owed(each, now)),
        entry: {
          what: "funding",
          fromAccount: "buyer",
          toAccount: "held",
          amountMinor: transaction.amountMinor,
        },
      };
    case "start":
      return { ...change, milestones: [], entry: null };
    case "dispute":
      return { ...change, milestones: open.map(notOwed), entry: null };
    case "cancel":
      return {
        ...change,
        milestones: open.map((each) => ({ ...each, state: "closed" })),
        entry: null,
      };
    case "refund":
    case "release": {
      const isRefund = event === "refund";
      return {
        ...change,
        milestones: open.map((each) => ({
          ...notOwed(each),
          state: isRefund ? "closed" : "released",
        })),
        entry: {
          what: "rest",
          fromAccount: "held",
          toAccount: isRefund ? "buyer" : "seller",
          // What is held is what the open milestones cost: those that are released were paid.
          amountMinor: open.reduce((total, { amountMinor }) => total + amountMinor, 0),
        },
      };
    }
  }
}

function decideMilestone(
  { transaction, milestones }: EscrowCase,
  role: Role,
  event: MilestoneEvent,
  { milestone: number, detail }: Command,
  now: number,
): Change | Refusal {
  const milestone = milestones.find((each) => each.number === number);
  if (milestone === undefined) return refused("no_milestone");
  const state = milestoneTransition(milestone.state, event);
  if (state === null || transaction.state !== "in_progress") return refused("wrong_state");
  const moved = { ...notOwed(milestone), state };
  const change = { kind: "change", role, state: transaction.state } as const;
  switch (event) {
    case "submit":
      return { ...change, milestones: [moved], entry: null, notification: "milestone_submitted" };
    case "reject":
      return {
        ...change,
        milestones: [{ ...owed(moved, now), rejectReason: detail }],
        entry: null,
        notification: "milestone_rejected",
      };
    case "approve": {
      const isLast = milestones.every((each) => each === milestone || each.state === "released");
      return {
        ...change,
        state: isLast ? "completed" : "in_progress",
        milestones: [moved],
        entry: {
          what: `milestone:${milestone.number}`,
          fromAccount: "held",
          toAccount: "seller",
          amountMinor: milestone.amountMinor,
        },
        notification: isLast ? "completed" : "milestone_approved",
      };
    }
  }
}

function owed(milestone: Milestone, now: number): Milestone {
  return { ...milestone, pendingSince: now, remindAt: remindOfMilestoneAt(now) };
}

function notOwed(milestone: Milestone): Milestone {
  return { ...milestone, pendingSince: null, remindAt: null };
}

function refused(code: Refusal["code"]): Refusal {
  return { kind: "refused", code };
}

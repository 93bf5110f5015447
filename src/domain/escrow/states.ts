/**
 * The life of an escrow transaction. It never goes back; `cancelled`, `refunded` and `completed` are final.
 *
 * ```
 *   pending_funding ──fund──► funded ──start──► in_progress ──approve (the last milestone)──► completed
 *         │                    │  │               │  │                                            ▲
 *         │                    │  └────dispute────┼──┴───────► disputed ──────────release─────────┘
 *       cancel                 │                  │               │
 *         ▼                    └──────refund──────┴───────────────┴──► refunded
 *     cancelled
 * ```
 * Milestones are submitted, approved and rejected while it is in progress.
 */
export const TRANSACTION_STATES = [
  "pending_funding",
  "funded",
  "in_progress",
  "disputed",
  "cancelled",
  "refunded",
  "completed",
] as const;
export type TransactionState = (typeof TRANSACTION_STATES)[number];

/** States that a transaction doesn't stay in for ever. */
export const ACTIVE_STATES = ["pending_funding", "funded", "in_progress", "disputed"] as const;

/**
 * What is done to a transaction as a whole.
 * - `fund`: the buyer's money has come in.
 * - `start`: the seller sets to work.
 * - `refund`: what is held goes back to the buyer; `release`: it goes to the seller.
 */
export const TRANSACTION_EVENTS = [
  "fund",
  "start",
  "dispute",
  "cancel",
  "refund",
  "release",
] as const;
export type TransactionEvent = (typeof TRANSACTION_EVENTS)[number];

/**
 * The life of a milestone: a part of the work with its price.
 *
 * ```
 *   pending ──submit──► submitted ──approve──► released
 *      ▲───────reject──────┘
 * ```
 * When its transaction ends first, it is `released` (its money went to the seller) or `closed` (it did not).
 */
export const MILESTONE_STATES = ["pending", "submitted", "released", "closed"] as const;
export type MilestoneState = (typeof MILESTONE_STATES)[number];

/** What is done to a milestone while its transaction is in progress. */
export const MILESTONE_EVENTS = ["submit", "approve", "reject"] as const;
export type MilestoneEvent = (typeof MILESTONE_EVENTS)[number];

export type EscrowEvent = TransactionEvent | MilestoneEvent;

/** Who takes part. `shop`: whoever runs the platform. */
export type Role = "buyer" | "seller" | "shop";

/**
 * Who may do what. Money comes in by the word of the shop alone, whose payments can be relied on. Each side
 * may give in to the other at any time: the seller by a refund, the buyer, in a dispute, by a release.
 */
export const MAY: Readonly<Record<EscrowEvent, readonly Role[]>> = {
  fund: ["shop"],
  start: ["seller"],
  dispute: ["buyer", "seller"],
  cancel: ["buyer", "seller", "shop"],
  refund: ["seller", "shop"],
  release: ["buyer", "shop"],
  submit: ["seller"],
  approve: ["buyer"],
  reject: ["buyer"],
};

type Table<State extends string, Event extends string> = Readonly<
  Record<State, Partial<Record<Event, State>>>
>;

const TRANSACTIONS: Table<TransactionState, TransactionEvent> = {
  pending_funding: { fund: "funded", cancel: "cancelled" },
  funded: { start: "in_progress", dispute: "disputed", refund: "refunded" },
  in_progress: { dispute: "disputed", refund: "refunded" },
  disputed: { refund: "refunded", release: "completed" },
  cancelled: {},
  refunded: {},
  completed: {},
};

const MILESTONES: Table<MilestoneState, MilestoneEvent> = {
  pending: { submit: "submitted" },
  submitted: { approve: "released", reject: "pending" },
  released: {},
  closed: {},
};

/** The state that follows, or null where the event has no meaning. */
export function transactionTransition(
  state: TransactionState,
  event: TransactionEvent,
): TransactionState | null {
  return TRANSACTIONS[state][event] ?? null;
}

export function milestoneTransition(
  state: MilestoneState,
  event: MilestoneEvent,
): MilestoneState | null {
  return MILESTONES[state][event] ?? null;
}

export function isMilestoneEvent(event: EscrowEvent): event is MilestoneEvent {
  return MILESTONE_EVENTS.some((each) => each === event);
}

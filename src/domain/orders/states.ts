/**
 * The life cycle of an order. A failed payment may still succeed: its task can be replayed.
 *
 * ```
 *   pending ──pay──► paid
 *      │              ▲
 *      └─decline─► payment_failed ──pay──┘
 * ```
 */
export const ORDER_STATES = ["pending", "paid", "payment_failed"] as const;
export type OrderState = (typeof ORDER_STATES)[number];
export type OrderEvent = "pay" | "decline";

const TRANSITIONS: Readonly<Record<OrderState, Partial<Record<OrderEvent, OrderState>>>> = {
  pending: { pay: "paid", decline: "payment_failed" },
  payment_failed: { pay: "paid" },
  paid: {},
};

/** The state that follows, or null where the event has no meaning. */
export function orderTransition(state: OrderState, event: OrderEvent): OrderState | null {
  return TRANSITIONS[state][event] ?? null;
}

/** The states in which an event has a meaning: for guarding an UPDATE. */
export function statesBefore(event: OrderEvent): OrderState[] {
  return ORDER_STATES.filter((state) => orderTransition(state, event) !== null);
}

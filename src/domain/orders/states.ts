/**
 * The life cycle of an order. A failed payment may still succeed: its task can be replayed. `refund` is the
 * money that came back, not the wish for it; an order that was not shipped is cancelled first, unless the
 * gateway gave the money back by itself.
 *
 * ```
 *   pending ──pay──────────► paid ──ship──► shipped ──deliver──► delivered
 *    │   └─decline─┐        ▲  │ │             │                     │
 *    │             ▼        │  │ └──refund──┐  └───────refund─────┐  │
 *    │      payment_failed ─┘  │            │                     ▼  │
 *    │             │           │            └───────────────► refunded ◄─refund
 *    └──cancel──►  ▼  ◄─cancel─┘                                  ▲
 *              cancelled ────────────────refund───────────────────┘
 * ```
 */
export const ORDER_STATES = [
  "pending",
  "paid",
  "payment_failed",
  "shipped",
  "delivered",
  "cancelled",
  "refunded",
] as const;
export type OrderState = (typeof ORDER_STATES)[number];
export const ORDER_EVENTS = ["pay", "decline", "ship", "deliver", "cancel", "refund"] as const;
export type OrderEvent = (typeof ORDER_EVENTS)[number];

const TRANSITIONS: Readonly<Record<OrderState, Partial<Record<OrderEvent, OrderState>>>> = {
  pending: { pay: "paid", decline: "payment_failed", cancel: "cancelled" },
  payment_failed: { pay: "paid", cancel: "cancelled" },
  paid: { ship: "shipped", cancel: "cancelled", refund: "refunded" },
  shipped: { deliver: "delivered", refund: "refunded" },
  delivered: { refund: "refunded" },
  cancelled: { refund: "refunded" },
  refunded: {},
};

/** The state that follows, or null where the event has no meaning. */
export function orderTransition(state: OrderState, event: OrderEvent): OrderState | null {
  return TRANSITIONS[state][event] ?? null;
}

/** The states in which an event has a meaning: for guarding an UPDATE. */
export function statesBefore(event: OrderEvent): OrderState[] {
  return ORDER_STATES.filter((state) => orderTransition(state, event) !== null);
}

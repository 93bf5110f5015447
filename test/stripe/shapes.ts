/** A payment intent in the book of the stand-in. */
export interface Intent {
  readonly id: string;
  readonly amount: number;
  readonly currency: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly description: string | null;
  /** Unix seconds, and the same in ms. */
  readonly created: number;
  readonly createdMs: number;
  status: string;
  paymentMethod: string | null;
  lastError: Readonly<Record<string, unknown>> | null;
  chargeId: string | null;
  /** Times the card was asked, and times the money was taken: 0 or, if all is well, 1. */
  confirms: number;
  captures: number;
  isLocked: boolean;
}

export interface Refund {
  readonly id: string;
  readonly intentId: string;
  readonly chargeId: string;
  readonly amount: number;
  readonly currency: string;
  readonly created: number;
}

export interface Event {
  readonly id: string;
  readonly object: "event";
  readonly type: string;
  readonly created: number;
  readonly data: { readonly object: unknown };
}

/** A payment intent with its charge expanded, as Stripe shows it. */
export function intentView(intent: Intent, refunds: readonly Refund[]) {
  const { id, amount, currency, metadata, description, created, status } = intent;
  const refunded = refunds
    .filter(({ intentId }) => intentId === id)
    .reduce((sum, refund) => sum + refund.amount, 0);
  return {
    ...{ id, object: "payment_intent", amount, amount_capturable: 0 },
    amount_received: intent.captures > 0 ? amount : 0,
    ...{ application: null, automatic_payment_methods: null, canceled_at: null },
    ...{ cancellation_reason: null, capture_method: "automatic", confirmation_method: "automatic" },
    ...{ client_secret: `${id}_secret_x`, created, currency, customer: null, description },
    ...{ last_payment_error: intent.lastError, livemode: false, metadata, next_action: null },
    ...{ payment_method: intent.paymentMethod, payment_method_types: ["card"], processing: null },
    ...{ receipt_email: null, review: null, setup_future_usage: null, shipping: null, status },
    latest_charge:
      intent.chargeId === null
        ? null
        : {
            ...{ id: intent.chargeId, object: "charge", amount, amount_captured: amount },
            ...{ amount_refunded: refunded, captured: true, created, currency, disputed: false },
            ...{ livemode: false, metadata, paid: true, payment_intent: id, status: "succeeded" },
            refunded: refunded === amount,
          },
  };
}

export function refundView({ id, intentId, chargeId, amount, currency, created }: Refund) {
  return {
    ...{ id, object: "refund", amount, balance_transaction: null, charge: chargeId, created },
    ...{ currency, metadata: {}, payment_intent: intentId, reason: "requested_by_customer" },
    ...{ receipt_number: null, status: "succeeded" },
  };
}

export function eventOf(id: string, type: string, object: unknown): Event {
  const created = Math.floor(Date.now() / 1_000);
  const envelope = { api_version: "2026-10-28.endive", livemode: false, pending_webhooks: 1 };
  return { ...envelope, ...{ id, object: "event", type, created, data: { object } } };
}

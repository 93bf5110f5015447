import type { Stripe } from "stripe";
import type { BookedCharge, Charge } from "#domain/payments";
import { reasonOf } from "./stripe-errors.ts";

/** What Stripe keeps with a charge for us: whose it is, and the key that it was opened under. */
export const METADATA = { order: "order_id", key: "order_key" } as const;

/** What became of a payment intent, with its latest charge in it; null: nothing was taken, and may still be. */
export function chargeOf(intent: Stripe.PaymentIntent): Charge | null {
  const { status } = intent;
  if (status === "succeeded") {
    return {
      status: "captured",
      reference: intent.id,
      amountMinor: intent.amount_received,
      refundedMinor: refundedOf(intent),
    };
  }
  if (status === "canceled") {
    return { status: "declined", reason: lastReason(intent) ?? "The charge was cancelled." };
  }
  return null;
}

/** Whether Stripe is at work on it, without an end so far: then it is not to be cancelled. */
export function isUndecided({ status }: Stripe.PaymentIntent): boolean {
  return status === "processing" || status === "requires_capture";
}

/** Why the card was refused last; null: it was not. */
export function lastReason({ last_payment_error: error }: Stripe.PaymentIntent): string | null {
  if (error === null) return null;
  const { message = "", code = null, decline_code: declineCode = null } = error;
  return reasonOf({ message, code, declineCode });
}

/** A payment intent as a line of the gateway's book. */
export function bookedCharge(intent: Stripe.PaymentIntent): BookedCharge {
  const { id, metadata, status, currency, created } = intent;
  const isCaptured = status === "succeeded";
  return {
    reference: id,
    idempotencyKey: metadata[METADATA.key] ?? null,
    orderId: metadata[METADATA.order] ?? null,
    status: isCaptured ? "captured" : status === "canceled" ? "declined" : "open",
    amountMinor: isCaptured ? intent.amount_received : intent.amount,
    refundedMinor: refundedOf(intent),
    currency: currency.toUpperCase(),
    createdAt: created * 1_000,
  };
}

/**
 * Of several intents of one key (Stripe forgot the key, or could not say what it had made of it) the one that
 * was decided on.
 */
export function decidedFirst(intents: readonly Stripe.PaymentIntent[]): string | null {
  const rank = ({ status }: Stripe.PaymentIntent) => {
    const at = ["succeeded", "requires_capture", "processing", "canceled"].indexOf(status);
    return at === -1 ? Infinity : at;
  };
  const [first] = intents.toSorted((a, b) => rank(a) - rank(b) || a.created - b.created);
  return first?.id ?? null;
}

function refundedOf({ latest_charge: charge }: Stripe.PaymentIntent): number {
  return charge !== null && typeof charge === "object" ? charge.amount_refunded : 0;
}

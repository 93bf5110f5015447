import { z } from "zod";
import { PaymentEventError, type PaymentEvent } from "#domain/payments";
import { METADATA } from "./stripe-charges.ts";

const TYPES = {
  "payment_intent.succeeded": "payment.captured",
  "payment_intent.payment_failed": "payment.declined",
  "payment_intent.canceled": "payment.declined",
  "charge.refunded": "payment.refunded",
} as const;

const money = {
  currency: z.string().regex(/^[a-z]{3}$/),
  metadata: z.record(z.string(), z.string()).default({}),
};
/** The parts of Stripe's events that are looked at; `created` in Unix seconds. */
const eventSchema = z.object({
  id: z.string().regex(/^[\w.:-]{1,100}$/),
  created: z.int().min(0).max(253_402_214_400),
  data: z.object({
    object: z.discriminatedUnion("object", [
      z.object({ object: z.literal("payment_intent"), amount: z.int().positive(), ...money }),
      z.object({ object: z.literal("charge"), amount_refunded: z.int().min(0), ...money }),
    ]),
  }),
});

/**
 * An event of Stripe's; null: of another type, or of a payment that is none of ours.
 * @throws PaymentEventError naming the field
 */
export function readStripeEvent(body: unknown): PaymentEvent | null {
  const named = z.object({ type: z.string() }).safeParse(body);
  if (!named.success) throw new PaymentEventError("type: Must be a text.");
  const type = new Map(Object.entries(TYPES)).get(named.data.type);
  if (type === undefined) return null;
  const checked = eventSchema.safeParse(body);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    throw new PaymentEventError(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
  }
  const { id, created, data } = checked.data;
  const { object } = data;
  // What a payment intent charges has its metadata.
  const orderId = object.metadata[METADATA.order];
  if (orderId === undefined) return null;
  return {
    ...{ id, type, orderId },
    amountMinor: object.object === "charge" ? object.amount_refunded : object.amount,
    currency: object.currency.toUpperCase(),
    createdAt: created * 1_000,
  };
}

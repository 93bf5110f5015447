import * as z from "zod";
import { PaymentEventError, type PaymentEvent, type PaymentNotice } from "#domain/payments";
import { METADATA } from "./stripe-charges.ts";

const TYPES = {
  "payment_intent.succeeded": "payment.captured",
  "payment_intent.payment_failed": "payment.declined",
  "payment_intent.canceled": "payment.declined",
  "charge.refunded": "payment.refunded",
} as const;

const NOTICES = {
  "charge.dispute.created": "payment.disputed",
  "refund.failed": "payment.refund_failed",
} as const;

const currency = z.string().regex(/^[a-z]{3}$/);
const money = { currency, metadata: z.record(z.string(), z.string()).default({}) };
const envelope = {
  id: z.string().regex(/^[\w.:-]{1,100}$/),
  created: z.int().min(0).max(253_402_214_400),
};
/** The parts of Stripe's events that are looked at; `created` in Unix seconds. */
const eventSchema = z.object({
  ...envelope,
  data: z.object({
    object: z.discriminatedUnion("object", [
      z.object({ object: z.literal("payment_intent"), amount: z.int().positive(), ...money }),
      z.object({ object: z.literal("charge"), amount_refunded: z.int().min(0), ...money }),
    ]),
  }),
});

/** Disputes and refunds have no metadata of ours: they name the payment intent. */
const noticeSchema = z.object({
  ...envelope,
  data: z.object({
    object: z.object({
      amount: z.int().positive(),
      currency,
      payment_intent: z.string().nullable().default(null),
      charge: z.string().nullable().default(null),
      reason: z.string().nullable().default(null),
      failure_reason: z.string().nullable().default(null),
    }),
  }),
});

/**
 * An event of Stripe's; null: of another type, or of a payment that is none of ours.
 * @throws PaymentEventError naming the field
 */
export function readStripeEvent(body: unknown): PaymentEvent | PaymentNotice | null {
  const { type: name } = checked(z.object({ type: z.string() }), body);
  const notice = new Map(Object.entries(NOTICES)).get(name);
  if (notice !== undefined) return noticeOf(notice, body);
  const type = new Map(Object.entries(TYPES)).get(name);
  if (type === undefined) return null;
  const { id, created, data } = checked(eventSchema, body);
  const { object } = data;
  // What a payment intent charges has its metadata. Others who use the account may number their orders too.
  const { [METADATA.order]: orderId, [METADATA.key]: key } = object.metadata;
  if (orderId === undefined || key === undefined) return null;
  return {
    ...{ id, type, orderId },
    amountMinor: object.object === "charge" ? object.amount_refunded : object.amount,
    currency: object.currency.toUpperCase(),
    createdAt: created * 1_000,
  };
}

function noticeOf(type: PaymentNotice["type"], body: unknown): PaymentNotice {
  const { id, data } = checked(noticeSchema, body);
  const { object } = data;
  return {
    ...{ id, type, amountMinor: object.amount, currency: object.currency.toUpperCase() },
    reference: object.payment_intent ?? object.charge ?? "?",
    reason: (object.failure_reason ?? object.reason ?? "?").slice(0, 100),
  };
}

function checked<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const found = schema.safeParse(body);
  if (found.success) return found.data;
  const [issue] = found.error.issues;
  throw new PaymentEventError(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
}

import * as z from "zod";
import { PaymentEventError, type PaymentEvent } from "#domain/payments";

const TYPES = ["payment.captured", "payment.declined", "payment.refunded"] as const;

/** The events of the simulated gateway's webhook: `{id, type, created, data}`, `created` in Unix seconds. */
const eventSchema = z.object({
  id: z.string().regex(/^[\w.:-]{1,100}$/),
  type: z.enum(TYPES),
  created: z.int().min(0).max(253_402_214_400),
  data: z.object({
    order_id: z.string().min(1).max(64),
    amount_minor: z.int().positive(),
    currency: z.string().regex(/^[A-Z]{3}$/),
  }),
});

/** @throws PaymentEventError naming the field */
export function readSimulatedEvent(body: unknown): PaymentEvent | null {
  const type = z.object({ type: z.string() }).safeParse(body).data?.type;
  // Gateways tell of more than a shop asks for.
  if (type !== undefined && !TYPES.some((known) => known === type)) return null;
  const checked = eventSchema.safeParse(body);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    throw new PaymentEventError(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
  }
  const { id, created, data } = checked.data;
  return {
    id,
    type: checked.data.type,
    orderId: data.order_id,
    amountMinor: data.amount_minor,
    currency: data.currency,
    createdAt: created * 1_000,
  };
}

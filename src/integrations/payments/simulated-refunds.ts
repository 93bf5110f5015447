import { and, eq, sql, type SQL } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { RefundRequest } from "#domain/payments";
import { simulatedRefunds, type simulatedCharges } from "./tables.ts";

type StoredCharge = typeof simulatedCharges.$inferSelect;

/** @returns requests for this refund so far, this one included */
export async function countRefundRequest(
  db: DrizzleD1Database,
  { idempotencyKey, amountMinor }: RefundRequest,
  charge: StoredCharge,
): Promise<number> {
  const first = {
    ...{ idempotencyKey, chargeKey: charge.idempotencyKey, amountMinor },
    ...{ requests: 1, refunds: 0 },
  };
  const [refund] = await db
    .insert(simulatedRefunds)
    .values(first)
    .onConflictDoUpdate({
      target: [simulatedRefunds.chargeKey, simulatedRefunds.idempotencyKey],
      set: { requests: sql`requests + 1` },
    })
    .returning();
  return refund?.requests ?? 1;
}

/** Gives money back unless it was given under this key; false: there is not so much left. */
export async function giveBack(
  db: DrizzleD1Database,
  { idempotencyKey }: RefundRequest,
  { idempotencyKey: chargeKey, amountMinor, captures }: StoredCharge,
): Promise<boolean> {
  if (captures === 0) return false;
  const isThis = and(
    eq(simulatedRefunds.chargeKey, chargeKey),
    eq(simulatedRefunds.idempotencyKey, idempotencyKey),
  );
  await db
    .update(simulatedRefunds)
    .set({ refunds: sql`refunds + 1` })
    .where(
      and(isThis, sql`refunds = 0 AND amount_minor + ${refundedOf(chargeKey)} <= ${amountMinor}`),
    );
  const [refund] = await db.select().from(simulatedRefunds).where(isThis);
  return (refund?.refunds ?? 0) > 0;
}

/** What of a charge went back so far, minor units. @param chargeKey its key, or SQL for it */
export function refundedOf(chargeKey: string | SQL) {
  return sql<number>`(SELECT coalesce(sum(given.amount_minor), 0) FROM simulated_refunds AS given
    WHERE given.charge_key = ${chargeKey} AND given.refunds > 0)`;
}

import { getTableColumns, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { BookedCharge, PaymentGateway } from "#domain/payments";
import { behaviourFor, referenceOf } from "./simulated-behaviour.ts";
import { refundedOf } from "./simulated-refunds.ts";
import { simulatedCharges } from "./tables.ts";

const PAGE = 100;

/** The simulated gateway's book of a time, by key. Reads the whole book: it is for development. */
export async function listCharges(
  db: DrizzleD1Database,
  { from, until }: Parameters<PaymentGateway["list"]>[0],
  cursor: string | null,
): ReturnType<PaymentGateway["list"]> {
  const refundedMinor = refundedOf(sql.raw("simulated_charges.idempotency_key"));
  const rows = await db
    .select({ ...getTableColumns(simulatedCharges), refundedMinor })
    .from(simulatedCharges)
    .where(
      sql`created_at >= ${from} AND created_at < ${until} AND idempotency_key > ${cursor ?? ""}`,
    )
    .orderBy(simulatedCharges.idempotencyKey)
    .limit(PAGE);
  const charges = rows.map(({ isCanceled, captures, requests, ...row }): BookedCharge => {
    const isDeclined = isCanceled || (requests > 0 && behaviourFor(row.amountMinor) === "decline");
    const status = captures > 0 ? "captured" : isDeclined ? "declined" : "open";
    const { idempotencyKey, orderId, amountMinor, currency, createdAt } = row;
    return {
      ...{ reference: referenceOf(idempotencyKey), idempotencyKey, orderId, status },
      ...{ amountMinor, refundedMinor: row.refundedMinor, currency, createdAt },
    };
  });
  return { charges, next: rows.length === PAGE ? (rows.at(-1)?.idempotencyKey ?? null) : null };
}

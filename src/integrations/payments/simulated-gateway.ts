import { and, eq, getTableColumns, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import {
  PaymentUnavailableError,
  type Charge,
  type ChargeRequest,
  type PaymentGateway,
  type RefundRequest,
} from "#domain/payments";
import { readSimulatedEvent } from "./simulated-events.ts";
import { simulatedCharges, simulatedRefunds } from "./tables.ts";

/** How the simulated gateway behaves for a charge, and for its refund. */
export type SimulatedBehaviour = "approve" | "decline" | "time_out_after_charging" | "fail_twice";

/**
 * The behaviour is chosen by the last two digits of the amount, as test cards do it: .01 declines, .02
 * charges and then gives no answer, .03 fails twice and then approves; all others approve.
 */
export function behaviourFor(amountMinor: number): SimulatedBehaviour {
  switch (amountMinor % 100) {
    case 1:
      return "decline";
    case 2:
      return "time_out_after_charging";
    case 3:
      return "fail_twice";
    default:
      return "approve";
  }
}

type StoredCharge = typeof simulatedCharges.$inferSelect & { readonly refundedMinor: number };

/**
 * A gateway with a book of its own in D1, which keeps its promise about idempotency keys as a real one
 * does: the money is taken, or given back, once per key, and a repeated request gets the answer of the first.
 */
export function createSimulatedGateway(db: DrizzleD1Database): PaymentGateway {
  return {
    provider: "simulated",
    async charge(request) {
      const behaviour = behaviourFor(request.amountMinor);
      const charge = await countRequest(db, request);
      if (behaviour === "decline") return DECLINED;
      failTwice(behaviour, charge.requests);
      await capture(db, request.idempotencyKey);
      loseFirstAnswer(behaviour, charge.requests);
      return captured(charge);
    },
    async lookUp(idempotencyKey) {
      const charge = await findCharge(db, idempotencyKey);
      if (charge === null) return null;
      if (behaviourFor(charge.amountMinor) === "decline") return DECLINED;
      return charge.captures > 0 ? captured(charge) : null;
    },
    async refund(request) {
      const charge = await findCharge(db, request.reference.slice(REFERENCE_PREFIX.length));
      if (charge === null) return { status: "refused", reason: "There is no such charge." };
      const behaviour = behaviourFor(charge.amountMinor);
      const requests = await countRefundRequest(db, request, charge);
      failTwice(behaviour, requests);
      const isBack = await giveBack(db, request, charge);
      loseFirstAnswer(behaviour, requests);
      if (isBack) return { status: "refunded" };
      return { status: "refused", reason: "More than what is left of the charge." };
    },
    readEvent: readSimulatedEvent,
  };
}

const DECLINED: Charge = { status: "declined", reason: "The card was declined." };
const REFERENCE_PREFIX = "sim_";

function failTwice(behaviour: SimulatedBehaviour, requests: number): void {
  if (behaviour === "fail_twice" && requests <= 2) {
    throw new PaymentUnavailableError("The simulated gateway is not available.");
  }
}

function loseFirstAnswer(behaviour: SimulatedBehaviour, requests: number): void {
  if (behaviour === "time_out_after_charging" && requests === 1) {
    throw new PaymentUnavailableError("The simulated gateway gave no answer in time.");
  }
}

function captured({ idempotencyKey, amountMinor, refundedMinor }: StoredCharge): Charge {
  const reference = `${REFERENCE_PREFIX}${idempotencyKey}`;
  return { status: "captured", reference, amountMinor, refundedMinor };
}

async function findCharge(db: DrizzleD1Database, key: string): Promise<StoredCharge | null> {
  const [charge] = await db
    .select({ ...getTableColumns(simulatedCharges), refundedMinor: refundedOf(key) })
    .from(simulatedCharges)
    .where(eq(simulatedCharges.idempotencyKey, key));
  return charge ?? null;
}

/** The charge as the book has it: under a key that was used before it may not be the one asked for now. */
async function countRequest(db: DrizzleD1Database, request: ChargeRequest): Promise<StoredCharge> {
  const first = { ...request, requests: 1, captures: 0 };
  const [charge] = await db
    .insert(simulatedCharges)
    .values(first)
    .onConflictDoUpdate({
      target: simulatedCharges.idempotencyKey,
      set: { requests: sql`requests + 1` },
    })
    .returning({
      ...getTableColumns(simulatedCharges),
      refundedMinor: refundedOf(request.idempotencyKey),
    });
  return charge ?? { ...first, refundedMinor: 0 };
}

async function countRefundRequest(
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

/** Takes the money unless it was taken under this key. */
async function capture(db: DrizzleD1Database, idempotencyKey: string): Promise<void> {
  await db
    .update(simulatedCharges)
    .set({ captures: sql`captures + 1` })
    .where(sql`idempotency_key = ${idempotencyKey} AND captures = 0`);
}

/** Gives money back unless it was given under this key; false: there is not so much left. */
async function giveBack(
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

/** What of a charge went back so far, minor units. */
function refundedOf(chargeKey: string) {
  return sql<number>`(SELECT coalesce(sum(given.amount_minor), 0) FROM simulated_refunds AS given
    WHERE given.charge_key = ${chargeKey} AND given.refunds > 0)`;
}

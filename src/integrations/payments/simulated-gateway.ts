import { and, eq, getTableColumns, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { Clock } from "#engine";
import { PaymentUnavailableError, type Charge, type PaymentGateway } from "#domain/payments";
import {
  behaviourFor,
  keyOf,
  referenceOf,
  type SimulatedBehaviour,
} from "./simulated-behaviour.ts";
import { listCharges } from "./simulated-list.ts";
import { countRefundRequest, giveBack, refundedOf } from "./simulated-refunds.ts";
import { readSimulatedEvent } from "./simulated-events.ts";
import { simulatedCharges } from "./tables.ts";

type StoredCharge = typeof simulatedCharges.$inferSelect & {
  readonly refundedMinor: number;
};

/**
 * A gateway with a book of its own in D1, which keeps its promise about idempotency keys as a real one
 * does: the money is taken, or given back, once per key, and a repeated request gets the answer of the first.
 */
export function createSimulatedGateway(db: DrizzleD1Database, clock: Clock): PaymentGateway {
  return {
    provider: "simulated",
    needsPaymentMethod: false,
    async open({ idempotencyKey, orderId, amountMinor, currency }) {
      const charge = { idempotencyKey, orderId, amountMinor, currency, requests: 0, captures: 0 };
      await db
        .insert(simulatedCharges)
        .values({ ...charge, createdAt: clock.now() })
        .onConflictDoNothing();
      return referenceOf(idempotencyKey);
    },
    async find(idempotencyKey) {
      const charge = await findCharge(db, idempotencyKey);
      return charge && referenceOf(idempotencyKey);
    },
    async charge(reference) {
      const charge = await countRequest(db, keyOf(reference));
      if (charge.isCanceled) return CANCELED;
      const behaviour = behaviourFor(charge.amountMinor);
      if (behaviour === "decline") return DECLINED;
      failTwice(behaviour, charge.requests);
      if (!(await capture(db, charge.idempotencyKey))) return CANCELED;
      loseFirstAnswer(behaviour, charge.requests);
      return captured(charge);
    },
    async lookUp(reference) {
      const charge = await findCharge(db, keyOf(reference));
      return charge && stateOf(charge);
    },
    async cancel(reference) {
      await db
        .update(simulatedCharges)
        .set({ isCanceled: true })
        .where(and(eq(simulatedCharges.idempotencyKey, keyOf(reference)), sql`captures = 0`));
      const charge = await findCharge(db, keyOf(reference));
      return (charge && stateOf(charge)) ?? CANCELED;
    },
    async refund(request) {
      const charge = await findCharge(db, keyOf(request.reference));
      if (charge === null) return { status: "refused", reason: "There is no such charge." };
      const behaviour = behaviourFor(charge.amountMinor);
      const requests = await countRefundRequest(db, request, charge);
      failTwice(behaviour, requests);
      const isBack = await giveBack(db, request, charge);
      loseFirstAnswer(behaviour, requests);
      if (isBack) return { status: "refunded" };
      return { status: "refused", reason: "More than what is left of the charge." };
    },
    list: (time, cursor) => listCharges(db, time, cursor),
    readEvent: readSimulatedEvent,
  };
}

const DECLINED: Charge = { status: "declined", reason: "The card was declined." };
const CANCELED: Charge = { status: "declined", reason: "The charge was cancelled." };

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

/** What became of it; null: nothing yet. */
function stateOf(charge: StoredCharge): Charge | null {
  if (charge.captures > 0) return captured(charge);
  if (charge.isCanceled) return CANCELED;
  const isDeclined = charge.requests > 0 && behaviourFor(charge.amountMinor) === "decline";
  return isDeclined ? DECLINED : null;
}

function captured({ idempotencyKey, amountMinor, refundedMinor }: StoredCharge): Charge {
  const reference = referenceOf(idempotencyKey);
  return { status: "captured", reference, amountMinor, refundedMinor };
}

async function findCharge(db: DrizzleD1Database, key: string): Promise<StoredCharge | null> {
  const [charge] = await db
    .select({ ...getTableColumns(simulatedCharges), refundedMinor: refundedOf(key) })
    .from(simulatedCharges)
    .where(eq(simulatedCharges.idempotencyKey, key));
  return charge ?? null;
}

/** @throws PaymentUnavailableError when there is no such charge: it may come */
async function countRequest(db: DrizzleD1Database, key: string): Promise<StoredCharge> {
  const [charge] = await db
    .update(simulatedCharges)
    .set({ requests: sql`requests + 1` })
    .where(eq(simulatedCharges.idempotencyKey, key))
    .returning({ ...getTableColumns(simulatedCharges), refundedMinor: refundedOf(key) });
  if (charge === undefined) throw new PaymentUnavailableError("There is no such charge.");
  return charge;
}

/** Takes the money unless it was taken; false: it was cancelled. */
async function capture(db: DrizzleD1Database, key: string): Promise<boolean> {
  await db
    .update(simulatedCharges)
    .set({ captures: sql`captures + 1` })
    .where(sql`idempotency_key = ${key} AND captures = 0 AND is_canceled = 0`);
  const charge = await findCharge(db, key);
  return (charge?.captures ?? 0) > 0;
}

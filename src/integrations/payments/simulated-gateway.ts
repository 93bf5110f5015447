import { eq, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import {
  PaymentUnavailableError,
  type Charge,
  type ChargeRequest,
  type PaymentGateway,
} from "#domain/payments";
import { simulatedCharges } from "./tables.ts";

/** How the simulated gateway behaves for a charge. */
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

/**
 * A gateway with a book of its own in D1, which keeps its promise about idempotency keys as a real one
 * does: the money is taken once per key, and a repeated request gets the answer of the first.
 */
export function createSimulatedGateway(db: DrizzleD1Database): PaymentGateway {
  return {
    provider: "simulated",
    async charge(request) {
      const behaviour = behaviourFor(request.amountMinor);
      const { requests, amountMinor } = await countRequest(db, request);
      if (behaviour === "decline") return DECLINED;
      if (behaviour === "fail_twice" && requests <= 2) {
        throw new PaymentUnavailableError("The simulated gateway is not available.");
      }
      await capture(db, request.idempotencyKey);
      if (behaviour === "time_out_after_charging" && requests === 1) {
        throw new PaymentUnavailableError("The simulated gateway gave no answer in time.");
      }
      return captured(request.idempotencyKey, amountMinor);
    },
    async lookUp(idempotencyKey) {
      const [charge] = await db
        .select()
        .from(simulatedCharges)
        .where(eq(simulatedCharges.idempotencyKey, idempotencyKey));
      if (charge === undefined) return null;
      if (behaviourFor(charge.amountMinor) === "decline") return DECLINED;
      return charge.captures > 0 ? captured(idempotencyKey, charge.amountMinor) : null;
    },
  };
}

const DECLINED: Charge = { status: "declined", reason: "The card was declined." };

function captured(idempotencyKey: string, amountMinor: number): Charge {
  return { status: "captured", reference: `sim_${idempotencyKey}`, amountMinor };
}

async function countRequest(db: DrizzleD1Database, request: ChargeRequest) {
  const [charge] = await db
    .insert(simulatedCharges)
    .values({ ...request, requests: 1, captures: 0 })
    .onConflictDoUpdate({
      target: simulatedCharges.idempotencyKey,
      set: { requests: sql`requests + 1` },
    })
    .returning();
  // The book's amount: under a key that was used before it may not be the one asked for now.
  return {
    requests: charge?.requests ?? 1,
    amountMinor: charge?.amountMinor ?? request.amountMinor,
  };
}

/** Takes the money unless it was taken under this key. */
async function capture(db: DrizzleD1Database, idempotencyKey: string): Promise<void> {
  await db
    .update(simulatedCharges)
    .set({ captures: sql`captures + 1` })
    .where(sql`idempotency_key = ${idempotencyKey} AND captures = 0`);
}

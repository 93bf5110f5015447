import * as z from "zod";
import { signature } from "#engine";
import { findOrders } from "../orders/index.ts";
import { defineShopTask } from "../services/index.ts";
import { PaymentUnavailableError } from "./gateway.ts";
import { findPayment, type Payment, type PaymentParts } from "./payment-book.ts";
import { followGateway } from "./payment-events.ts";
import { partsOf } from "./payment-tasks.ts";
import { isForPerson } from "./reconcile-examine.ts";
import { findUnsettled } from "./reconcile-pages.ts";

const NAME = "settle_unknown_payments";
/** Longer than a run of a payment's task may last: until then it asks itself. */
const AFTER_MS = 5 * 60_000;
/** What is not known then the nightly reconciliation asks for. */
const UP_TO_MS = 24 * 3_600_000;
/** Payments of a run, up to 12 queries each: an invocation may make 1,000. */
const AT_ONCE = 60;
const SIDE_BY_SIDE = 10;

/**
 * Asks the gateway what became of payments whose outcome is not known since five minutes, also when their task
 * is dead, and writes it. What the gateway has taken nothing for stays with its task. An unreachable gateway is
 * asked again by the next run. Safe to repeat. When there are more, it calls itself.
 */
export const settleUnknownPayments = defineShopTask({
  name: NAME,
  params: z.object({ after: z.string().default("") }),
  queue: "payments",
  autoretryFor: [Error],
  retryBackoff: true,
  timeLimitSeconds: 300,
  handler: async ({ after }, ctx) => {
    const parts = partsOf(ctx.services, ctx);
    const now = parts.clock.now();
    const time = { from: now - UP_TO_MS, until: now - AFTER_MS };
    const found = await findUnsettled(parts, time, after, AT_ONCE);
    const { settled, isReachable } = await settleAll(parts, found, ctx.signal);
    const result = { asked: found.length, settled, reachable: isReachable };
    const last = found.at(-1);
    if (last === undefined || found.length < AT_ONCE || !isReachable) return result;
    const call = signature(NAME, { after: last.orderId });
    const { taskId } = await ctx.lovage.send(call, { route: NAME, key: ctx.taskId });
    return { ...result, continued_by: taskId };
  },
});

async function settleAll(
  parts: PaymentParts,
  found: readonly Payment[],
  signal: AbortSignal,
): Promise<{ settled: number; isReachable: boolean }> {
  const orders = await findOrders(
    parts.db,
    found.map(({ orderId }) => orderId),
  );
  let settled = 0;
  for (let from = 0; from < found.length; from += SIDE_BY_SIDE) {
    signal.throwIfAborted();
    const outcomes = await Promise.allSettled(
      found.slice(from, from + SIDE_BY_SIDE).map(async (payment) => {
        const order = orders.get(payment.orderId);
        if (order === undefined) return false;
        await followGateway(parts, order);
        return isSettled(await findPayment(parts.db, payment.orderId));
      }),
    );
    let unanswered = 0;
    for (const outcome of outcomes) {
      if (outcome.status === "fulfilled") settled += Number(outcome.value);
      else if (outcome.reason instanceof PaymentUnavailableError) unanswered += 1;
      else if (!isForPerson(outcome.reason)) throw outcome.reason;
    }
    // One that nothing can be learned of is no reason to leave the others.
    if (unanswered === outcomes.length) return { settled, isReachable: false };
  }
  return { settled, isReachable: true };
}

function isSettled(payment: Payment | null): boolean {
  return payment?.state !== "charging" && payment?.state !== "refunding";
}

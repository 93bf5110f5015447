import type { Claim } from "../ledger/protocol.ts";
import { drain, type DrainLimits, type DrainParts } from "./drain.ts";

const ONE_TASK: DrainLimits = { maxRunning: 1, maxWide: 1, budgetMs: 0 };

/**
 * Runs what a submit was given under a lease, as a consumer does, and claims no more: its invocation may end soon.
 * Begins in the next turn of the event loop, so that no handler holds up the answer to whoever submitted.
 * @throws as `drain`
 */
export async function runClaim<Services>(
  parts: DrainParts<Services>,
  queue: string,
  claim: Claim,
): Promise<void> {
  await new Promise<void>((resolve) => {
    parts.timers.after(0, resolve);
  });
  await drain(parts, queue, 0, ONE_TASK, claim);
}

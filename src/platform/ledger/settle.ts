import {
  describeError,
  LeaseLostError,
  type LogLine,
  type Outcome,
  type Settlement,
} from "#engine";
import type { AttemptEnd } from "./attempt-end.ts";
import type { Changes } from "./changes.ts";
import type { Memory } from "./memory/memory.ts";

/**
 * Applies outcomes to the tasks that their leases hold. One whose lease is over (settled before, lost,
 * revoked) changes nothing, so a settle may be repeated and may come late.
 * @returns how many changed nothing
 */
export function settle(
  memory: Memory,
  changes: Changes,
  settlements: readonly Settlement[],
): number {
  let stale = 0;
  for (const { id, token, outcome, runtimeMs, logs } of settlements) {
    const lease = memory.leases.holding(id);
    const task = lease?.tasks.get(id);
    if (lease === undefined || task === undefined || lease.token !== token) stale += 1;
    else changes.endAttempt(lease, task, endOf(outcome, runtimeMs, logs));
  }
  return stale;
}

/** Gives the tasks of expired leases back, as suspects; nobody can settle them under that lease now. */
export function loseExpired(memory: Memory, changes: Changes, now: number): void {
  for (const lease of memory.leases.expired(now)) {
    for (const id of [...lease.tasks.ids()]) {
      const task = lease.tasks.get(id);
      if (task !== undefined) changes.endAttempt(lease, task, LOST);
    }
  }
}

/** Gives a task back whose lease was granted on this offer, as `loseExpired`. */
export function loseOffered(memory: Memory, changes: Changes, taskId: string, offer: string): void {
  const lease = memory.leases.holding(taskId);
  const task = lease?.tasks.get(taskId);
  if (lease?.offer === offer && task !== undefined) changes.endAttempt(lease, task, LOST);
}

const LOST: AttemptEnd = {
  event: "lose",
  result: null,
  error: { ...describeError(new LeaseLostError()), traceback: null },
  delayMs: 0,
  // The whole time of the lease: nobody knows how long the handler ran.
  runtimeMs: Number.MAX_SAFE_INTEGER,
};

function endOf(outcome: Outcome, runtimeMs: number, logs?: readonly LogLine[]): AttemptEnd {
  const none = { result: null, error: null, delayMs: 0, runtimeMs };
  const end = logs === undefined ? none : { ...none, logs };
  switch (outcome.kind) {
    case "success":
      return {
        ...end,
        event: "succeed",
        result: outcome.result,
        ...(outcome.large !== undefined && { large: outcome.large }),
        ...(outcome.isIgnored === true && { isIgnored: true }),
        ...(outcome.adds !== undefined && { adds: outcome.adds }),
      };
    case "ignore":
      return { ...end, event: "ignore" };
    case "failure":
      return { ...end, event: "fail", error: outcome.error };
    case "suspend":
      return { ...end, event: "suspend", suspension: outcome };
    case "replace":
      return { ...end, event: "suspend", replacement: outcome };
    case "retry":
      return { ...end, event: "retry", error: outcome.error, delayMs: outcome.delayMs };
  }
}

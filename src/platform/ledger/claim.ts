import type { Changes } from "./changes.ts";
import type { Memory } from "./memory.ts";
import type { Picked } from "./picker.ts";
import type { Claim } from "./protocol.ts";
import { toClaimed } from "./rows.ts";

/**
 * Leases what was picked for one consumer, in the transaction of the pick: the only way to get a lease.
 * What expired or became limited leaves its place. Rows written: 1, and those of an end or a move for each of these.
 * @param offer of the invocation that submitted the task and gets the lease, see ExpressLane; null: a consumer gets it
 */
export function grantClaim(
  memory: Memory,
  changes: Changes,
  queue: string,
  { tasks, isSolo, expired, gated }: Picked,
  { now, leaseMs, offer }: { now: number; leaseMs: number; offer: string | null },
): Claim | null {
  for (const task of expired) changes.revoke(task, "expire", null);
  for (const [task, gate] of gated) changes.moveToGate(task, gate);
  if (tasks.length === 0) return null;
  const { token } = memory.leases.grant({ queue, tasks, isSolo, offer }, now, leaseMs);
  for (const task of tasks) {
    changes.movedIds.push(task.id);
    changes.happenings?.started(task);
    if (task.gate !== "") changes.touchedGates.add(task.gate);
  }
  const claimed = tasks.map((task) => toClaimed(task, memory.controls));
  return { tasks: claimed, token, isSolo, leaseMs };
}

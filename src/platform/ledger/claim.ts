import type { Changes } from "./changes.ts";
import type { Lease } from "./memory/leases.ts";
import type { Memory } from "./memory/memory.ts";
import type { Picked } from "./picker.ts";
import type { Claim } from "./protocol.ts";
import { toClaimed, type TaskRow } from "./rows.ts";

/**
 * Leases what was picked for one consumer, in the transaction of the pick.
 * What expired or became limited leaves its place. Rows written: 1, and those of an end or a move for each of these.
 */
export function grantClaim(
  memory: Memory,
  changes: Changes,
  queue: string,
  { tasks, isSolo, expired, gated }: Picked,
  { now, leaseMs }: { now: number; leaseMs: number },
): Claim | null {
  for (const task of expired) changes.revoke(task, "expire", null);
  for (const [task, gate] of gated) changes.moveToGate(task, gate);
  if (tasks.length === 0) return null;
  const lease = memory.leases.grant({ queue, tasks, isSolo }, now, leaseMs);
  return startTasks(memory, changes, lease, tasks);
}

/** What the holder of a lease is told, who runs its tasks from now on. `tasks`: their rows. */
export function startTasks(
  { controls }: Memory,
  changes: Changes,
  { token, isSolo, claimedAt, expiresAt }: Lease,
  tasks: readonly TaskRow[],
): Claim {
  for (const task of tasks) {
    changes.movedIds.push(task.id);
    changes.happenings?.started(task);
    if (task.gate !== "") changes.touchedGates.add(task.gate);
  }
  const claimed = tasks.map((task) => toClaimed(task, controls));
  return { tasks: claimed, token, isSolo, leaseMs: expiresAt - claimedAt };
}

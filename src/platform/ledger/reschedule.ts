import type { Reschedule, Rescheduled } from "#engine";
import type { Changes } from "./changes.ts";
import type { Memory } from "./memory/memory.ts";
import type { TaskRow } from "./rows.ts";

/**
 * Gives a task that waits another due time, queue or priority. Input: its row. Safe twice. Rows written:
 * those of a move, or none when it may not be.
 */
export function rescheduleWaiting(
  memory: Memory,
  changes: Changes,
  row: TaskRow,
  change: Reschedule,
  now: number,
): Rescheduled["answer"] {
  // What waits in the middle of its steps has started.
  if (memory.leases.holding(row.id) !== undefined || row.suspension !== null) return "running";
  const dueAt = change.dueAt === undefined ? row.due_at : Math.max(change.dueAt, now);
  if (row.expires_at !== null && dueAt >= row.expires_at) return "expires";
  changes.moveWaiting(row, {
    ...row,
    due_at: dueAt,
    priority: change.priority ?? row.priority,
    queue: change.queue ?? row.queue,
  });
  return "rescheduled";
}

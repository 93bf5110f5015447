import { stopCanvas } from "./bulk.ts";
import type { Changes } from "./changes.ts";
import { findLive, type Memory } from "./memory/memory.ts";
import type { SqlPort } from "./ports.ts";
import { isHeld, type TaskRow } from "./rows.ts";
import { selectionOf } from "./selection.ts";

/** Waiting tasks that expire in one command, fewer if they are large; the alarm comes back for more. */
const MAX_EXPIRED = 200;

/**
 * Ends waiting tasks whose `expires` has passed, as part of every command: a look at a number while none
 * has. Rows written: as for any end. Safe twice: what has ended is no longer found.
 */
export function expireWaiting(sql: SqlPort, memory: Memory, changes: Changes, now: number): void {
  const { expiring, lanes, leases } = memory;
  if (expiring.nextAt === null || expiring.nextAt > now) return;
  // What was lost just now waits, too; and what has just ended is not to be found.
  changes.write();
  const expired = expiring.take(leases, now, MAX_EXPIRED);
  if (expired.length === 0) return;
  const found = sql.exec<TaskRow>(
    "SELECT * FROM tasks WHERE parked IN (0, 1) AND id IN (SELECT value FROM json_each(?))",
    JSON.stringify(expired.map(({ id }) => id)),
  );
  const { rows, next } = selectionOf(found, Infinity);
  if (next !== null) expiring.note(now);
  let hasStopped = false;
  for (const row of rows) {
    // With its canvas it may have ended just now.
    if (hasStopped && findLive(sql, memory, row.id) === null) continue;
    if (row.parked === 0) lanes.remove(row.id);
    if (isHeld(row)) {
      stopCanvas(sql, memory, changes, row, { reason: "expired", terminate: true });
      hasStopped = true;
    } else changes.revoke(row, "expire", null);
  }
}

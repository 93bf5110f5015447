import { memberId, type TaskFilter } from "#engine";
import { CanvasStore } from "./canvas/canvas-store.ts";
import { revokedBy } from "./attempt-end.ts";
import type { Changes } from "./changes.ts";
import { findLive, type Memory } from "./memory/memory.ts";
import type { SqlPort } from "./ports.ts";
import { selectTasks, type Position } from "./selection.ts";
import { isHeld, optionsOf, suspensionOf, type TaskRow } from "./rows.ts";
import { consume } from "./schema.ts";

/** Tasks that one command looks at: what it does stays short, and the next one goes on. */
const BATCH = 500;

/** What a step of a walk over many tasks did. */
export interface BulkStep {
  /** Tasks that ended: they were waiting, or were terminated. */
  readonly revoked: number;
  /** Running tasks that were marked: they are not tried again. */
  readonly marked: number;
  /** Where the next step goes on; null: all were met. */
  readonly next: Position | null;
}

/**
 * Calls a task off as `TaskControl.revoke` says. Rows written: those of its end, or one for the mark.
 * @returns what became of it
 */
export function revokeTask(
  sql: SqlPort,
  memory: Memory,
  changes: Changes,
  row: TaskRow,
  terminate: boolean,
): "revoked" | "marked" | "unchanged" {
  if (isHeld(row)) {
    const reason = terminate ? "terminated" : "revoked";
    return stopCanvas(sql, memory, changes, row, { reason, terminate });
  }
  const lease = memory.leases.holding(row.id);
  if (lease === undefined) {
    changes.revoke(row, "revoke", null);
    if (row.parked === 0) memory.lanes.remove(row.id);
    return "revoked";
  }
  if (terminate) {
    memory.leases.terminate(lease, row.id);
    changes.revoke(row, "terminate", lease.claimedAt);
    return "revoked";
  }
  if (row.is_revoked === 1) return "unchanged";
  const mark = "UPDATE tasks SET is_revoked = 1 WHERE parked = ? AND id = ?";
  consume(sql.exec(mark, row.parked, row.id));
  memory.leases.update(lease, { ...(lease.tasks.get(row.id) ?? row), is_revoked: 1 });
  return "marked";
}

/**
 * Calls a canvas off: nothing of it starts any more but undos, its members are revoked, and it ends when
 * the last of them has. Rows written: 2, and those of its members' ends. Safe twice.
 */
export function stopCanvas(
  sql: SqlPort,
  memory: Memory,
  changes: Changes,
  { id }: TaskRow,
  how: { readonly reason: "revoked" | "terminated" | "expired"; readonly terminate: boolean },
): "revoked" | "marked" {
  // What ended in this transaction is not to end again.
  changes.write();
  const row = findLive(sql, memory, id);
  const canvas = row === null ? null : memory.canvases.open(new CanvasStore(sql), row);
  const suspension = row === null ? null : suspensionOf(row);
  if (canvas === null || suspension === null) return "revoked";
  const stop = suspension.stop ?? revokedBy(how.reason);
  consume(
    sql.exec(
      "UPDATE tasks SET suspension = ?, expires_at = NULL, is_revoked = 1 WHERE parked = 1 AND id = ?",
      JSON.stringify({ ...suspension, stop }),
      id,
    ),
  );
  canvas.run.stop(stop);
  const ids = canvas.run.shape.taskPlaces().map((place) => memberId(canvas.base, place));
  const members = sql.exec<TaskRow>(
    "SELECT * FROM tasks WHERE parked IN (0, 1) AND id IN (SELECT value FROM json_each(?))",
    JSON.stringify(ids),
  );
  for (const member of [...members]) revokeTask(sql, memory, changes, member, how.terminate);
  changes.write();
  return findLive(sql, memory, id) === null ? "revoked" : "marked";
}

/** Calls off the next tasks that fit a filter. */
export function revokeSome(
  sql: SqlPort,
  memory: Memory,
  changes: Changes,
  filter: TaskFilter,
  from: Position,
  terminate: boolean,
): BulkStep {
  const { rows, next } = selectTasks(sql, filter, from, BATCH);
  let revoked = 0;
  let marked = 0;
  let hasStopped = false;
  for (const row of rows) {
    // With its canvas it may have ended in this very walk.
    if (hasStopped && findLive(sql, memory, row.id) === null) continue;
    if (hasToGoOn(row, filter)) continue;
    hasStopped ||= isHeld(row);
    const done = revokeTask(sql, memory, changes, row, terminate);
    if (done === "revoked") revoked += 1;
    else if (done === "marked") marked += 1;
  }
  return { revoked, marked, next };
}

/**
 * What undoes another task, maybe one that ended in this very walk, is called off by its name alone; what tells
 * of its end by its name or its queue.
 */
function hasToGoOn(row: TaskRow, { name, queue }: TaskFilter): boolean {
  if (row.options === null || name !== undefined) return false;
  const { canvas, tells_end: tells } = optionsOf(row);
  return canvas?.undo === true || (tells === true && queue === undefined);
}

/** Takes the next waiting tasks out of a queue; those that run stay. */
export function purgeSome(
  sql: SqlPort,
  memory: Memory,
  changes: Changes,
  queue: string,
  from: Position,
): BulkStep {
  const { rows, next } = selectTasks(sql, { queue }, from, BATCH);
  let revoked = 0;
  for (const row of rows) {
    // What waits in the middle of its steps has started.
    if (memory.leases.holding(row.id) !== undefined || row.suspension !== null) continue;
    if (hasToGoOn(row, { queue })) continue;
    revokeTask(sql, memory, changes, row, false);
    revoked += 1;
  }
  return { revoked, marked: 0, next };
}

import type { TaskFilter } from "#engine";
import type { TaskRow } from "./rows.ts";
import type { Changes } from "./changes.ts";
import type { Memory } from "./memory.ts";
import type { SqlPort } from "./ports.ts";
import { selectTasks, type Position } from "./selection.ts";
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

/** Calls off the next tasks that fit a filter. */
export function revokeSome(
  sql: SqlPort,
  memory: Memory,
  changes: Changes,
  filter: TaskFilter,
  from: Position,
  terminate: boolean,
): BulkStep {
  const rows = selectTasks(sql, filter, from, BATCH);
  let revoked = 0;
  let marked = 0;
  for (const row of rows) {
    const done = revokeTask(sql, memory, changes, row, terminate);
    if (done === "revoked") revoked += 1;
    else if (done === "marked") marked += 1;
  }
  return { revoked, marked, next: positionAfter(rows) };
}

/** Takes the next waiting tasks out of a queue; those that run stay. */
export function purgeSome(
  sql: SqlPort,
  memory: Memory,
  changes: Changes,
  queue: string,
  from: Position,
): BulkStep {
  const rows = selectTasks(sql, { queue }, from, BATCH);
  let revoked = 0;
  for (const row of rows) {
    // What waits in the middle of its steps has started.
    if (memory.leases.holding(row.id) !== undefined || row.suspension !== null) continue;
    revokeTask(sql, memory, changes, row, false);
    revoked += 1;
  }
  return { revoked, marked: 0, next: positionAfter(rows) };
}

function positionAfter(rows: readonly TaskRow[]): Position | null {
  const last = rows.at(-1);
  return last === undefined || rows.length < BATCH ? null : { parked: last.parked, id: last.id };
}

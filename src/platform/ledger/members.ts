import { isTerminal, treeOf, type CanvasTree, type State, type TaskRecord } from "#engine";
import type { IdRange } from "../history/search.ts";
import { CanvasStore } from "./canvas-store.ts";
import { findLive, type Memory } from "./memory.ts";
import type { SqlPort } from "./ports.ts";
import { isHeld, toRecord, waitingState, type TaskRow } from "./rows.ts";

/** What a ledger knows of a canvas's members: D1 has the others. */
export interface LiveMembers {
  /** Those of the page. */
  readonly tasks: readonly TaskRecord[];
  /** All of them. */
  readonly states: readonly { readonly id: string; readonly state: State }[];
}

/** Members of a canvas that live, or have ended and may not be in D1 yet. */
export function liveMembers(
  sql: SqlPort,
  memory: Memory,
  range: IdRange,
  page: IdRange,
): LiveMembers {
  const tasks: TaskRecord[] = [];
  const states: { id: string; state: State }[] = [];
  for (const row of sql.exec<TaskRow>(
    "SELECT * FROM tasks WHERE parked IN (0, 1) AND id >= ? AND id < ?",
    range.from,
    range.to,
  )) {
    const lease = memory.leases.holding(row.id);
    states.push({ id: row.id, state: lease === undefined ? waitingState(row) : "STARTED" });
    if (isIn(row, page)) tasks.push(toRecord(row, lease?.claimedAt ?? null));
  }
  for (const task of memory.finished.all()) {
    if (!isIn(task, range) || !isTerminal(task.state)) continue;
    states.push({ id: task.id, state: task.state });
    if (isIn(task, page)) tasks.push(task);
  }
  return { tasks, states };
}

/** How a live canvas is built, with the members that were added to it; null: it is none. */
export function outlineOf(sql: SqlPort, memory: Memory, id: string): CanvasTree | null {
  const row = findLive(sql, memory, id);
  if (row === null || !isHeld(row)) return null;
  const plan = new CanvasStore(sql).plan(id);
  return plan === null ? null : treeOf(plan);
}

function isIn({ id }: { readonly id: string }, { from, to }: IdRange): boolean {
  return id >= from && id < to;
}

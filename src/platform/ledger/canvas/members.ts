import {
  isTerminal,
  treeOf,
  type CanvasTree,
  type State,
  type TaskPage,
  type TaskRecord,
} from "#engine";
import type { IdRange } from "../../history/search.ts";
import { pageOf } from "../../history/task-page.ts";
import { CanvasStore } from "./canvas-store.ts";
import { findLive, readLive, type Memory } from "../memory/memory.ts";
import type { SqlPort } from "../ports.ts";
import { isHeld, waitingState, type TaskRow } from "../rows.ts";

/** What a ledger knows of a canvas's members: D1 has the others. */
export interface LiveMembers {
  /** Those of the page by their ids, up to its `next` if they are large. */
  readonly page: TaskPage;
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
  const states: { id: string; state: State }[] = [];
  for (const row of sql.exec<Pick<TaskRow, "id" | "suspension" | "attempts_made">>(
    "SELECT id, suspension, attempts_made FROM tasks WHERE parked IN (0, 1) AND id >= ? AND id < ?",
    range.from,
    range.to,
  )) {
    const isRunning = memory.leases.holding(row.id) !== undefined;
    states.push({ id: row.id, state: isRunning ? "STARTED" : waitingState(row) });
  }
  const ended = new Map<string, TaskRecord>();
  for (const task of memory.finished.all()) {
    if (!isIn(task, range) || !isTerminal(task.state)) continue;
    states.push({ id: task.id, state: task.state });
    ended.set(task.id, task);
  }
  const ids = states.flatMap((member) => (isIn(member, page) ? member.id : [])).sort();
  return { page: pageOf(tasksOf(sql, memory, ids, ended), Infinity), states };
}

function* tasksOf(
  sql: SqlPort,
  memory: Memory,
  ids: readonly string[],
  ended: ReadonlyMap<string, TaskRecord>,
): Generator<TaskRecord> {
  for (const id of ids) {
    const row = ended.has(id) ? null : findLive(sql, memory, id);
    const live = row && readLive(memory, row);
    const task = live ?? ended.get(id);
    if (task !== undefined) yield task;
  }
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

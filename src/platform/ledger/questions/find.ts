import type { TaskPage, TaskQuery, TaskRecord } from "#engine";
import { conditionsOf, fits, type IdRange } from "../../history/search.ts";
import { pageOf } from "../../history/task-page.ts";
import { readLive, type Memory } from "../memory/memory.ts";
import type { SqlPort } from "../ports.ts";
import type { TaskRow } from "../rows.ts";

/** Of live tasks; errors stand among their attempts. */
const LIVE_COLUMNS = { id: "id", name: "name", args: "kwargs", error: "attempts" };

/** Rows of each kind that one search reads at most: a search that finds little goes on with the next. */
const MAX_SCANNED = 5_000;

/**
 * Tasks of a ledger that fit a query, the highest ids first, or the lowest: live ones, and finished ones that D1
 * may not have yet. `next`: beyond that id some were not read; null: all were.
 */
export function findTasks(
  sql: SqlPort,
  memory: Memory,
  query: TaskQuery,
  range: IdRange,
  limit: number,
): TaskPage {
  // Of each kind no more than fits into a page that has nothing else.
  const found = [0, 1].flatMap(
    (parked) => pageOf(liveTasks(sql, memory, parked, query, range), limit).tasks,
  );
  for (const task of memory.finished.all()) {
    if (isIn(task, range) && fits(task, query)) found.push(task);
  }
  const isBefore = query.order === "oldest" ? isLower : isHigher;
  found.sort((a, b) => (isBefore(a.id, b.id) ? -1 : 1));
  const reach = reachOf(sql, range, query.order);
  const { tasks, next: last } = pageOf(found, limit);
  const next = last !== null && (reach === null || isBefore(last, reach)) ? last : reach;
  return { tasks, next };
}

function isLower(a: string, b: string): boolean {
  return a < b;
}

function isHigher(a: string, b: string): boolean {
  return a > b;
}

/** The first id at which the walk over one of the kinds of tasks ended early; null: none did. */
function reachOf(sql: SqlPort, range: IdRange, order: TaskQuery["order"]): string | null {
  const reach = [0, 1].flatMap((parked) => {
    const [row] = sql.exec<{ id: string }>(
      `SELECT id FROM tasks WHERE parked = ? AND id >= ? AND id < ? ORDER BY id ${direction(order)}
       LIMIT 1 OFFSET ?`,
      parked,
      range.from,
      range.to,
      MAX_SCANNED - 1,
    );
    return row?.id ?? [];
  });
  return reach.sort().at(order === "oldest" ? 0 : -1) ?? null;
}

function direction(order: TaskQuery["order"]): "ASC" | "DESC" {
  return order === "oldest" ? "ASC" : "DESC";
}

function* liveTasks(
  sql: SqlPort,
  memory: Memory,
  parked: number,
  query: TaskQuery,
  range: IdRange,
): Generator<TaskRecord> {
  const { sql: conditions, params } = conditionsOf(query, LIVE_COLUMNS);
  for (const [label, value] of Object.entries(query.labels ?? {})) {
    conditions.push("json_extract(options, ?) = ?");
    params.push(`$.labels."${label}"`, value);
  }
  const where = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
  const rows = sql.exec<TaskRow>(
    `SELECT * FROM (SELECT * FROM tasks WHERE parked = ? AND id >= ? AND id < ?
       ORDER BY id ${direction(query.order)} LIMIT ?) ${where}
       ORDER BY id ${direction(query.order)}`,
    parked,
    range.from,
    range.to,
    MAX_SCANNED,
    ...params,
  );
  for (const row of rows) {
    const task = readLive(memory, row);
    // Not all can be said by columns: the state follows from the leases, and nobody finds a secret.
    if (fits(task, query)) yield task;
  }
}

function isIn({ id }: TaskRecord, { from, to }: IdRange): boolean {
  return id >= from && id < to;
}

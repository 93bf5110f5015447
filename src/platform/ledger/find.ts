import { globMatcher, type TaskPage, type TaskQuery, type TaskRecord } from "#engine";
import { conditionsOf, type IdRange } from "../history/search.ts";
import type { Memory } from "./memory.ts";
import type { SqlPort } from "./ports.ts";
import { toRecord, type TaskRow } from "./rows.ts";

/** Rows of each kind that one search reads at most: a search that finds little goes on with the next. */
const MAX_SCANNED = 5_000;

/**
 * Tasks of a ledger that fit a query, the highest ids first: live ones, and finished ones that D1 may not
 * have yet. `next`: below that id some were not read; null: all were.
 */
export function findTasks(
  sql: SqlPort,
  memory: Memory,
  query: TaskQuery,
  range: IdRange,
  limit: number,
): TaskPage {
  const found = [...liveTasks(sql, memory, query, range, limit)];
  for (const task of memory.finished.all()) {
    if (isIn(task, range) && fits(task, query)) found.push(task);
  }
  found.sort((a, b) => (a.id < b.id ? 1 : -1));
  const reach = reachOf(sql, range);
  const last = found[limit - 1]?.id ?? null;
  const next = last !== null && (reach === null || last > reach) ? last : reach;
  return { tasks: found.slice(0, limit), next };
}

/** The highest id at which the walk over one of the kinds of tasks ended early; null: none did. */
function reachOf(sql: SqlPort, range: IdRange): string | null {
  const reach = [0, 1].flatMap((parked) => {
    const [row] = sql.exec<{ id: string }>(
      `SELECT id FROM tasks WHERE parked = ? AND id >= ? AND id < ? ORDER BY id DESC
       LIMIT 1 OFFSET ?`,
      parked,
      range.from,
      range.to,
      MAX_SCANNED - 1,
    );
    return row?.id ?? [];
  });
  return reach.sort().at(-1) ?? null;
}

function* liveTasks(
  sql: SqlPort,
  memory: Memory,
  query: TaskQuery,
  range: IdRange,
  limit: number,
): Generator<TaskRecord> {
  const { sql: conditions, params } = conditionsOf(query);
  for (const [label, value] of Object.entries(query.labels ?? {})) {
    conditions.push("json_extract(options, ?) = ?");
    params.push(`$.labels."${label}"`, value);
  }
  const where = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
  for (const parked of [0, 1]) {
    let count = 0;
    const rows = sql.exec<TaskRow>(
      `SELECT * FROM (SELECT * FROM tasks WHERE parked = ? AND id >= ? AND id < ?
         ORDER BY id DESC LIMIT ?) ${where} ORDER BY id DESC`,
      parked,
      range.from,
      range.to,
      MAX_SCANNED,
      ...params,
    );
    for (const row of rows) {
      if (count >= limit) break;
      const task = toRecord(row, memory.leases.holding(row.id)?.claimedAt ?? null);
      // The state follows from the leases: it has no column.
      if (query.state !== undefined && task.state !== query.state) continue;
      count += 1;
      yield task;
    }
  }
}

function isIn({ id }: TaskRecord, { from, to }: IdRange): boolean {
  return id >= from && id < to;
}

/** Whether a task fits a query; the times in it don't count. */
export function fits(task: TaskRecord, query: TaskQuery): boolean {
  if (query.state !== undefined && task.state !== query.state) return false;
  if (query.queue !== undefined && task.queue !== query.queue) return false;
  if (query.owner !== undefined && task.owner !== query.owner) return false;
  if (query.name !== undefined && !globMatcher(query.name)(task.name)) return false;
  const { labels = {} } = task.options;
  return Object.entries(query.labels ?? {}).every(([label, value]) => labels[label] === value);
}

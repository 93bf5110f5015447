import {
  FIRST_DERIVED_ID,
  globMatcher,
  lowestIdAt,
  matches,
  type TaskPage,
  type TaskQuery,
  type TaskRecord,
} from "#engine";
import { matchCondition, type MatchColumns } from "./match-condition.ts";
import { fromRow, type HistoryRow } from "./rows.ts";

/** Rows that one page reads at most: a search that finds little goes on with the next. */
const MAX_SCANNED = 5_000;

/**
 * Arguments, result and error of a finished task. Of the error (see `Detail`) not its stack: how far a page got
 * must not tell what is in it.
 */
const HISTORY_COLUMNS: MatchColumns = {
  id: "id",
  name: "name",
  state: "state",
  args: "kwargs",
  result: "result",
  error: "json_remove(detail -> 8, '$.traceback')",
};

/** A part of the ids: `from` included, `to` not. */
export interface IdRange {
  readonly from: string;
  readonly to: string;
}

/** Where ids stand that were minted, in the times asked for; and those that were derived from keys. */
export function rangesOf({ submittedAfter, submittedBefore }: TaskQuery): IdRange[] {
  const from = submittedAfter === undefined ? "0" : lowestIdAt(submittedAfter);
  const to = submittedBefore === undefined ? FIRST_DERIVED_ID : lowestIdAt(submittedBefore);
  const hasTime = submittedAfter !== undefined || submittedBefore !== undefined;
  return [{ from, to }, ...(hasTime ? [] : [{ from: FIRST_DERIVED_ID, to: "g" }])];
}

/**
 * The conditions that a query puts on columns of a table of tasks: everything that fits passes them, but for
 * a match and a live task's state maybe others too (`fits` tells).
 */
export function conditionsOf(
  query: TaskQuery,
  columns: MatchColumns,
): { sql: string[]; params: string[] } {
  const sql: string[] = [];
  const params: string[] = [];
  const add = (condition: string, value: string | undefined) => {
    if (value === undefined) return;
    sql.push(condition);
    params.push(value);
  };
  if (query.name !== undefined) add(nameCondition(query.name), query.name);
  add("queue = ?", query.queue);
  add("owner = ?", query.owner);
  if (query.match !== undefined) sql.push(matchCondition(query.match, columns, params));
  return { sql, params };
}

/** Whether a task fits a query; the times in it don't count. */
export function fits(task: TaskRecord, query: TaskQuery): boolean {
  if (query.state !== undefined && task.state !== query.state) return false;
  if (query.queue !== undefined && task.queue !== query.queue) return false;
  if (query.owner !== undefined && task.owner !== query.owner) return false;
  if (query.name !== undefined && !globMatcher(query.name)(task.name)) return false;
  if (query.match !== undefined && !matches(task, query.match)) return false;
  const { labels = {} } = task.options;
  return Object.entries(query.labels ?? {}).every(([label, value]) => labels[label] === value);
}

/** SQLite's GLOB has `[` besides, which no name has; a glob has at most MAX_GLOB_BYTES. */
export function nameCondition(name: string): string {
  return /[*?]/.test(name) ? "name GLOB ?" : "name = ?";
}

/** Finished tasks of D1 by their ids, newest first. */
export class HistorySearch {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /**
   * Up to `limit` tasks of a range, the highest ids first, or the lowest. Reads at most MAX_SCANNED rows; then `next` says
   * how far it got. With labels the rows are those that have the first of them.
   */
  async find(query: TaskQuery, range: IdRange, limit: number): Promise<TaskPage> {
    const [first, ...others] = Object.entries(query.labels ?? {});
    const { sql, params } = conditionsOf(query, HISTORY_COLUMNS);
    const isOldest = query.order === "oldest";
    const order = isOldest ? "ASC" : "DESC";
    if (query.state !== undefined) {
      sql.push("state = ?");
      params.push(query.state);
    }
    for (const label of others) {
      sql.push("id IN (SELECT task_id FROM task_labels WHERE label = ? AND value = ?)");
      params.push(...label);
    }
    const scanned =
      first === undefined
        ? `SELECT id FROM tasks WHERE id >= ? AND id < ? ORDER BY id ${order} LIMIT ?`
        : `SELECT task_id AS id FROM task_labels WHERE label = ? AND value = ? AND task_id >= ?
             AND task_id < ? ORDER BY task_id ${order} LIMIT ?`;
    const scan = [...(first ?? []), range.from, range.to, MAX_SCANNED];
    const where = ["id IN (SELECT id FROM scanned)", ...sql].join(" AND ");
    const [tasks, reach] = await this.#db.batch<Record<string, unknown>>([
      this.#db
        .prepare(
          `WITH scanned AS MATERIALIZED (${scanned}) SELECT * FROM tasks WHERE ${where}
           ORDER BY id ${order} LIMIT ?`,
        )
        .bind(...scan, ...params, limit),
      this.#db
        .prepare(
          `SELECT count(*) AS count, ${isOldest ? "max" : "min"}(id) AS last FROM (${scanned})`,
        )
        .bind(...scan),
    ]);
    const rows = (tasks?.results ?? []) as unknown as HistoryRow[];
    const { count, last } = (reach?.results[0] ?? { count: 0, last: null }) as {
      count: number;
      last: string | null;
    };
    const next =
      rows.length >= limit ? (rows.at(-1)?.id ?? null) : count >= MAX_SCANNED ? last : null;
    const found = rows.map(fromRow);
    return {
      tasks: query.match === undefined ? found : found.filter((task) => fits(task, query)),
      next,
    };
  }
}

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
import { pageOf, pageQuery } from "./task-page.ts";

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
   * Up to `limit` tasks of a range, the highest ids first, or the lowest; fewer if they are large. Looks through at
   * most MAX_SCANNED tasks; then `next` says how far it got. With labels the rows are those that have the first of
   * them.
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
    const { from, to } = range;
    const [table, id, condition] =
      first === undefined
        ? ["tasks", "id", ""]
        : ["task_labels", "task_id", "label = ? AND value = ? AND"];
    const scanned = `SELECT ${id} AS id FROM ${table} WHERE ${condition} ${id} >= ? AND ${id} < ?
       ORDER BY ${id} ${order}`;
    const scan = [...(first ?? []), from, to];
    /** Where reading stops; null: all of the range is read. */
    const last = `SELECT id FROM (${scanned}) LIMIT 1 OFFSET ${MAX_SCANNED - 1}`;
    // One bound on each side: of two SQLite takes any, and may read the whole table.
    const [inScan, bounds] =
      first !== undefined
        ? [`id IN (${scanned} LIMIT ${MAX_SCANNED})`, scan]
        : isOldest
          ? [`id >= ? AND id < coalesce((${last}) || '!', ?)`, [from, ...scan, to]]
          : [`id < ? AND id >= coalesce((${last}), ?)`, [to, ...scan, from]];
    const where = [inScan, ...sql].join(" AND ");
    const [tasks, reach] = await this.#db.batch<Record<string, unknown>>([
      this.#db
        .prepare(pageQuery(`tasks WHERE ${where}`, `id ${order}`))
        .bind(...bounds, ...params, limit),
      this.#db.prepare(last).bind(...scan),
    ]);
    const rows = (tasks?.results ?? []) as unknown as HistoryRow[];
    const read = reach?.results[0] as { id: string } | undefined;
    const { tasks: found, next } = pageOf(rows.map(fromRow), limit);
    return {
      tasks: query.match === undefined ? found : found.filter((task) => fits(task, query)),
      next: next ?? read?.id ?? null,
    };
  }
}

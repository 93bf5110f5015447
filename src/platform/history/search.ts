import { FIRST_DERIVED_ID, lowestIdAt, type TaskPage, type TaskQuery } from "#engine";
import { fromRow, type HistoryRow } from "./rows.ts";

/** Rows that one page reads at most: a search that finds little goes on with the next. */
const MAX_SCANNED = 5_000;

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

/** The conditions that a query puts on columns of `tasks`; both tables of tasks have them. */
export function conditionsOf(query: TaskQuery): { sql: string[]; params: string[] } {
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
  return { sql, params };
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
   * Up to `limit` tasks of a range, the highest ids first. Reads at most MAX_SCANNED rows; then `next` says
   * how far it got. With labels the rows are those that have the first of them.
   */
  async find(query: TaskQuery, range: IdRange, limit: number): Promise<TaskPage> {
    const [first, ...others] = Object.entries(query.labels ?? {});
    const { sql, params } = conditionsOf(query);
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
        ? "SELECT id FROM tasks WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT ?"
        : `SELECT task_id AS id FROM task_labels WHERE label = ? AND value = ? AND task_id >= ?
             AND task_id < ? ORDER BY task_id DESC LIMIT ?`;
    const scan = [...(first ?? []), range.from, range.to, MAX_SCANNED];
    const where = ["id IN (SELECT id FROM scanned)", ...sql].join(" AND ");
    const [tasks, reach] = await this.#db.batch<Record<string, unknown>>([
      this.#db
        .prepare(
          `WITH scanned AS MATERIALIZED (${scanned}) SELECT * FROM tasks WHERE ${where}
           ORDER BY id DESC LIMIT ?`,
        )
        .bind(...scan, ...params, limit),
      this.#db.prepare(`SELECT count(*) AS count, min(id) AS last FROM (${scanned})`).bind(...scan),
    ]);
    const rows = (tasks?.results ?? []) as unknown as HistoryRow[];
    const { count, last } = (reach?.results[0] ?? { count: 0, last: null }) as {
      count: number;
      last: string | null;
    };
    const next =
      rows.length >= limit ? (rows.at(-1)?.id ?? null) : count >= MAX_SCANNED ? last : null;
    return { tasks: rows.map(fromRow), next };
  }
}

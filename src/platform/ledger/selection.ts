import type { TaskFilter } from "#engine";
import type { SqlPort, SqlValue } from "./ports.ts";
import type { TaskRow } from "./rows.ts";

/** Where a walk over the live tasks goes on: the place of the last task it met. */
export interface Position {
  readonly parked: number;
  readonly id: string;
}

export const FIRST_POSITION: Position = { parked: 0, id: "" };

/** Live tasks that one command looks at. */
interface Selection {
  readonly rows: readonly TaskRow[];
  /** The place of the last one, if there may be others; null: there are none. */
  readonly next: Position | null;
}

/**
 * Characters of what the tasks of one selection brought and met, but for the last one's: they are in memory together,
 * as rows and as the records of their ends.
 */
const MAX_SELECTED_CHARS = 4 * 1_024 * 1_024;

/** The next live tasks that fit a filter, from a position on, in the order of the table: fewer if they are large. */
export function selectTasks(
  sql: SqlPort,
  filter: TaskFilter,
  from: Position,
  limit: number,
): Selection {
  const conditions = ["(parked, id) > (?, ?)"];
  const params: SqlValue[] = [from.parked, from.id];
  const wanted = { name: filter.name, queue: filter.queue, owner: filter.owner };
  for (const [column, value] of Object.entries(wanted)) {
    if (value === undefined) continue;
    conditions.push(`${column} = ?`);
    params.push(value);
  }
  for (const [label, value] of Object.entries(filter.labels ?? {})) {
    conditions.push("json_extract(options, ?) = ?");
    params.push(`$.labels."${label}"`, value);
  }
  const rows = sql.exec<TaskRow>(
    `SELECT * FROM tasks WHERE ${conditions.join(" AND ")} ORDER BY parked, id LIMIT ?`,
    ...params,
    limit,
  );
  return selectionOf(rows, limit);
}

/** The first of these tasks: up to `limit`, fewer if they are large. */
export function selectionOf(all: Iterable<TaskRow>, limit: number): Selection {
  const rows: TaskRow[] = [];
  let chars = 0;
  for (const row of all) {
    rows.push(row);
    chars += row.kwargs.length + (row.options?.length ?? 0) + (row.attempts?.length ?? 0);
    if (rows.length >= limit || chars >= MAX_SELECTED_CHARS) {
      return { rows, next: { parked: row.parked, id: row.id } };
    }
  }
  return { rows, next: null };
}

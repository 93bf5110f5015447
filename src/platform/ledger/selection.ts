import type { TaskFilter } from "#engine";
import type { SqlPort, SqlValue } from "./ports.ts";
import type { TaskRow } from "./rows.ts";

/** Where a walk over the live tasks goes on: the place of the last task it met. */
export interface Position {
  readonly parked: number;
  readonly id: string;
}

export const FIRST_POSITION: Position = { parked: 0, id: "" };

/** The next live tasks that fit a filter, from a position on, in the order of the table. */
export function selectTasks(
  sql: SqlPort,
  filter: TaskFilter,
  from: Position,
  limit: number,
): TaskRow[] {
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
  return [
    ...sql.exec<TaskRow>(
      `SELECT * FROM tasks WHERE ${conditions.join(" AND ")} ORDER BY parked, id LIMIT ?`,
      ...params,
      limit,
    ),
  ];
}

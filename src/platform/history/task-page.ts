import type { TaskPage, TaskRecord } from "#engine";

/**
 * Characters of JSON of the tasks of one page, but for the last one's: an answer of more than 32 MiB would not get
 * through, 200 tasks may have 100, and whoever asks holds a page of every shard.
 */
const MAX_PAGE_CHARS = 1_024 * 1_024;

/**
 * A query for the rows of a page of D1: none beyond the one at which `pageOf` ends, which counts no fewer characters.
 * @param from the table, and which of its rows; the last parameter is how many a page has at most
 */
export function pageQuery(from: string, order: string): string {
  const others = `sum(size) OVER (ORDER BY ${order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)`;
  const size = "length(kwargs) + length(coalesce(result, '')) + length(detail)";
  return `SELECT tasks.* FROM (
      SELECT id, coalesce(${others}, 0) AS before
      FROM (SELECT id, finished_at, ${size} AS size FROM ${from} ORDER BY ${order} LIMIT ?)
    ) JOIN tasks USING (id) WHERE before < ${MAX_PAGE_CHARS} ORDER BY ${order}`;
}

/** The first of these tasks: up to `limit`, fewer if they are large. `next`: the last one, if there may be more. */
export function pageOf(all: Iterable<TaskRecord>, limit: number): TaskPage {
  const tasks: TaskRecord[] = [];
  let chars = 0;
  for (const task of all) {
    tasks.push(task);
    chars += JSON.stringify(task).length;
    if (tasks.length >= limit || chars >= MAX_PAGE_CHARS) return { tasks, next: task.id };
  }
  return { tasks, next: null };
}

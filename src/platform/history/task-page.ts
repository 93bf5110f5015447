import type { TaskPage, TaskRecord } from "#engine";

/**
 * Characters of JSON of the tasks of one page, but for the last one's: an answer of more than 32 MiB would not get
 * through, 200 tasks may have 100, and whoever asks holds a page of every shard.
 */
const MAX_PAGE_CHARS = 1_024 * 1_024;

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

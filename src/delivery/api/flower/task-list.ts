import type { TaskQuery, TaskRecord, TaskSearch } from "#engine";

/** Tasks that one request goes through at most, those that it skips included. */
export const MAX_DEPTH = 10_000;
export const MAX_LISTED = 1_000;
/** Tasks that are put in another order than that of time: the newest. */
const MAX_SORTED = 2_000;
/** A page of the search reads a bounded number of rows; so many pages are read for one request. */
const MAX_PAGES = 60;
const PAGE_SIZE = 200;

export const SORT_KEYS = ["name", "state", "received", "started"] as const;
export type SortKey = (typeof SORT_KEYS)[number];

export interface Listing {
  readonly offset: number;
  readonly limit: number;
  /** Null: those that came last first. */
  readonly sort: { readonly by: SortKey; readonly isDescending: boolean } | null;
}

/** Tasks, and whether there may be more of them where nobody looked. */
export interface Listed {
  readonly tasks: readonly TaskRecord[];
  readonly isPartial: boolean;
}

/**
 * A part of the tasks that fit a query, by offset and limit as Flower has them, with a bounded amount of reading.
 * By time the order is exact however many there are; another order is one of the newest MAX_SORTED.
 */
export async function listTasks(
  search: TaskSearch,
  query: TaskQuery,
  { offset, limit, sort }: Listing,
): Promise<Listed> {
  if (limit === 0) return { tasks: [], isPartial: false };
  const by = sort?.by ?? "received";
  if (sort === null || by === "received") {
    const isOldest = sort !== null && !sort.isDescending;
    const order = isOldest ? "oldest" : "newest";
    return gather(search, { ...query, order }, offset, limit);
  }
  const { tasks, isPartial } = await gather(search, query, 0, MAX_SORTED);
  const sorted = tasks.toSorted((a, b) => compare(a, b, by));
  if (sort.isDescending) sorted.reverse();
  const hasMore = isPartial || tasks.length === MAX_SORTED;
  return { tasks: sorted.slice(offset, offset + limit), isPartial: hasMore };
}

async function gather(
  search: TaskSearch,
  query: TaskQuery,
  offset: number,
  limit: number,
): Promise<Listed> {
  const tasks: TaskRecord[] = [];
  let skipped = 0;
  let cursor: string | null = null;
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const wanted = offset - skipped + limit - tasks.length;
    const page = await search.search(query, Math.min(PAGE_SIZE, wanted), cursor);
    const rest = page.tasks.slice(offset - skipped);
    skipped += page.tasks.length - rest.length;
    tasks.push(...rest);
    cursor = page.next;
    if (tasks.length >= limit || cursor === null) return { tasks, isPartial: false };
  }
  return { tasks, isPartial: true };
}

/** What has no such time comes first. */
function compare(a: TaskRecord, b: TaskRecord, by: Exclude<SortKey, "received">): number {
  const [left, right] = [valueOf(a, by), valueOf(b, by)];
  if (left === right) return a.id < b.id ? -1 : 1;
  return left < right ? -1 : 1;
}

function valueOf(task: TaskRecord, by: Exclude<SortKey, "received">): string | number {
  if (by === "started") return task.attempts.at(-1)?.startedAt ?? 0;
  return task[by].toLowerCase();
}

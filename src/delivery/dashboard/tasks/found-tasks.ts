import { FIRST_DERIVED_ID, type Clock, type TaskPage, type TaskSearch } from "#engine";
import type { ListQuery } from "./list-query.ts";

/** What fits little is looked for in so many parts of the history at most, and in no new one after so long. */
const MOST_PARTS = 20;
const MOST_MS = 100;

/**
 * Rows of a page, and whether one part of the history was not enough for them. The ids of calls with keys, which
 * every search comes to when it is through with all others, are no other part.
 */
export interface FoundTasks extends TaskPage {
  readonly hasReadOn: boolean;
}

/**
 * The tasks of a page. A search reads a bounded part of the history (5,000 rows of D1, and a request to every
 * shard): among a million tasks somebody would have to go on a hundred times until they see one that is rare.
 */
export async function findTasks(
  { search, clock }: { readonly search: TaskSearch; readonly clock: Clock },
  query: ListQuery,
): Promise<FoundTasks> {
  const until = clock.now() + MOST_MS;
  let page = await search.search(query.search, query.limit, query.cursor);
  let parts = 1;
  let hasReadOn = false;
  const isOver = () =>
    page.next === null ||
    page.tasks.length >= query.limit ||
    parts >= MOST_PARTS ||
    clock.now() >= until;
  while (!isOver()) {
    const room = query.limit - page.tasks.length;
    hasReadOn ||= page.next !== null && page.next < FIRST_DERIVED_ID;
    const { tasks, next } = await search.search(query.search, room, page.next);
    page = { tasks: [...page.tasks, ...tasks], next };
    parts += 1;
  }
  return { ...page, hasReadOn };
}

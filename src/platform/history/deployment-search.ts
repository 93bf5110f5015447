import type { TaskPage, TaskQuery, TaskRecord, TaskSearch } from "#engine";
import { rangesOf, type HistorySearch, type IdRange } from "./search.ts";

/** One shard, as a search uses it. */
export interface SearchedShard {
  find(query: TaskQuery, range: IdRange, limit: number): Promise<TaskPage>;
}

/** Finds tasks in all shards and in the history: see `TaskSearch`. */
export class DeploymentSearch implements TaskSearch {
  readonly #shards: () => readonly SearchedShard[];
  readonly #history: HistorySearch;

  /** @param shards asked for with every search: what answers belongs to the request */
  constructor(shards: () => readonly SearchedShard[], history: HistorySearch) {
    this.#shards = shards;
    this.#history = history;
  }

  async search(query: TaskQuery, limit: number, after: string | null): Promise<TaskPage> {
    const isOldest = query.order === "oldest";
    const ranges = rangesOf(query);
    const index = after === null ? 0 : ranges.findIndex((range) => isAt(after, range, isOldest));
    const range = ranges[index];
    if (range === undefined) return { tasks: [], next: null };
    const open = isOldest
      ? {
          from: after === null || after === range.from ? range.from : justAfter(after),
          to: range.to,
        }
      : { from: range.from, to: after ?? range.to };
    // Ledgers first: what moves to the history meanwhile is then found there, and not missed.
    const live = await Promise.all(this.#shards().map((shard) => shard.find(query, open, limit)));
    const past = await this.#history.find(query, open, limit);
    const pages = [...live, past];
    const byId = new Map<string, TaskRecord>();
    for (const { tasks } of pages) for (const task of tasks) byId.set(task.id, task);
    const all = [...byId.values()].sort((a, b) => (a.id < b.id === isOldest ? -1 : 1));
    // Beyond that only a part was read.
    const stops = pages.flatMap((page) => page.next ?? []).toSorted();
    const reach = stops.at(isOldest ? 0 : -1) ?? null;
    const known =
      reach === null ? all : all.filter(({ id }) => (isOldest ? id <= reach : id >= reach));
    const tasks = known.slice(0, limit);
    const isAll = reach === null && all.length <= limit;
    const following = ranges[index + 1];
    const start = isOldest ? following?.from : following?.to;
    const next = isAll ? (start ?? null) : (tasks.at(limit - 1)?.id ?? reach);
    return { tasks, next };
  }
}

/** Whether a search that goes on at an id goes on in a range. */
function isAt(id: string, { from, to }: IdRange, isOldest: boolean): boolean {
  return isOldest ? id >= from && id < to : id >= from && id <= to;
}

/** Stands after an id and before all others. */
function justAfter(id: string): string {
  return `${id}!`;
}

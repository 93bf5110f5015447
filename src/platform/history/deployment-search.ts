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
    const ranges = rangesOf(query);
    const index =
      after === null ? 0 : ranges.findIndex(({ from, to }) => after >= from && after <= to);
    const range = ranges[index];
    if (range === undefined) return { tasks: [], next: null };
    const open = { from: range.from, to: after ?? range.to };
    // Ledgers first: what moves to the history meanwhile is then found there, and not missed.
    const live = await Promise.all(this.#shards().map((shard) => shard.find(query, open, limit)));
    const past = await this.#history.find(query, open, limit);
    const pages = [...live, past];
    const byId = new Map<string, TaskRecord>();
    for (const { tasks } of pages) for (const task of tasks) byId.set(task.id, task);
    const all = [...byId.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
    // Below that only a part was read.
    const reach =
      pages
        .flatMap((page) => page.next ?? [])
        .toSorted()
        .at(-1) ?? null;
    const known = reach === null ? all : all.filter(({ id }) => id >= reach);
    const tasks = known.slice(0, limit);
    const isAll = reach === null && all.length <= limit;
    const next = isAll ? (ranges[index + 1]?.to ?? null) : (tasks.at(limit - 1)?.id ?? reach);
    return { tasks, next };
  }
}

import {
  LovageError,
  memberId,
  placeOf,
  shardOf,
  type CanvasMembers,
  type CanvasReader,
  type CanvasTree,
  type Places,
  type State,
  type TaskRecord,
} from "#engine";
import type { LiveMembers } from "../ledger/canvas/members.ts";
import { fromRow, type HistoryRow } from "./rows.ts";
import type { IdRange } from "./search.ts";
import { pageOf, pageQuery } from "./task-page.ts";

/** SQLite's LIMIT that is none. */
const ALL = -1;

/** A shard of the ledger, as far as it knows of canvases. */
interface ShardPort {
  members(range: IdRange, page: IdRange): Promise<LiveMembers>;
  outline(canvasId: string): Promise<string | null>;
}

/** The members of canvases, from the ledger and from D1. Their ids lie next to each other. */
export class CanvasHistory implements CanvasReader {
  readonly #db: D1Database;
  readonly #shard: (shard: number) => ShardPort;

  constructor(db: D1Database, shard: (shard: number) => ShardPort) {
    this.#db = db;
    this.#shard = shard;
  }

  async outline(canvasId: string): Promise<CanvasTree | null> {
    const text = await this.#shardOf(canvasId).outline(canvasId);
    return text === null ? null : (JSON.parse(text) as CanvasTree);
  }

  async members(base: string, all: Places, page: Places): Promise<CanvasMembers> {
    const tasks = new Map<number, TaskRecord>();
    let { to } = page;
    const states: Partial<Record<State, number>> = {};
    const count = (state: State, more: number) => {
      states[state] = (states[state] ?? 0) + more;
    };
    for (const [range, part] of rangesOf(base, all, page)) {
      // The ledger first: what ends meanwhile is counted as it was there.
      const live = await this.#shardOf(base).members(range, part);
      const past = await this.#past(range, part, live);
      for (const { tasks: some, next } of [past.page, live.page]) {
        for (const task of some) tasks.set(placeOf(base, task.id), task);
        if (next !== null) to = Math.min(to, placeOf(base, next) + 1);
      }
      for (const { state } of live.states) count(state, 1);
      for (const { state, many } of past.states) count(state, many);
    }
    for (const place of tasks.keys()) if (place >= to) tasks.delete(place);
    return { tasks, states, to };
  }

  async #past(range: IdRange, page: IdRange, { page: { tasks }, states }: LiveMembers) {
    const known = JSON.stringify(states.map(({ id }) => id));
    const elsewhere = "id NOT IN (SELECT value FROM json_each(?))";
    const [rows, counts] = await this.#db.batch<Record<string, unknown>>([
      this.#db
        .prepare(pageQuery(`tasks WHERE id >= ? AND id < ? AND ${elsewhere}`, "id"))
        .bind(page.from, page.to, JSON.stringify(tasks.map(({ id }) => id)), ALL),
      this.#db
        .prepare(
          `SELECT state, count(*) AS many FROM tasks WHERE id >= ? AND id < ? AND ${elsewhere}
           GROUP BY state`,
        )
        .bind(range.from, range.to, known),
    ]);
    return {
      page: pageOf(((rows?.results ?? []) as unknown as HistoryRow[]).map(fromRow), Infinity),
      states: (counts?.results ?? []) as unknown as { state: State; many: number }[],
    };
  }

  #shardOf(id: string): ShardPort {
    const shard = shardOf(id);
    if (shard === null) throw new LovageError("bad_task_id", `'${id}' is no task id.`);
    return this.#shard(shard);
  }
}

/** The ids of all members, and of the page's: in two parts where they pass the end of the numbers. */
function rangesOf(base: string, all: Places, page: Places): [all: IdRange, page: IdRange][] {
  const range = (from: number, to: number): IdRange => ({
    from: memberId(base, from),
    // One behind the last: its id is the first that is larger.
    to: `${memberId(base, Math.max(from, to) - 1)}${to > from ? "~" : ""}`,
  });
  const end = placeOf(base, `${base.slice(0, 24)}000000000000`);
  const parts: [number, number][] =
    end > all.from && end < all.to
      ? [
          [all.from, end],
          [end, all.to],
        ]
      : [[all.from, all.to]];
  return parts.map(([from, to]) => {
    const [first, last] = [Math.max(from, page.from), Math.min(to, page.to)];
    return [range(from, to), range(first, Math.max(first, last))];
  });
}

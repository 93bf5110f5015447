import { FIRST_DERIVED_ID, lowestIdAt, type Clock } from "#engine";
import { jsonArrays } from "../json-parameters.ts";
import type { IdRange } from "./search.ts";
import { IS_SPARE, MARGIN_MS, SPARE_MS } from "./spare-rows.ts";

/** Tasks that are deleted together, and how many times a run does so at most: the next run goes on. */
const BATCH = 1_000;
const MAX_BATCHES = 100;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** What SpareRows leaves is deleted when it comes into reach of it, or it would be looked at again and again. */
const LATEST_MS = MARGIN_MS + 3 * MINUTE_MS;
const NOT_SPARE = `NOT (${IS_SPARE})`;
const ALL = "true";

/** What has to be known of a task to delete all of it. */
interface Doomed {
  readonly id: string;
  /** JSON object; null: none. */
  readonly labels: string | null;
  /** Of its large result in R2; null: none. */
  readonly key: string | null;
}

/**
 * The agent that deletes finished tasks when their time is over, with their labels and large results.
 * Those whose ids carry their time are found through the primary key, so a run costs what it deletes; for a day
 * they are left to be written over (SpareRows), but for those that can't be. The others (made with keys) have ids
 * that are spread evenly: each minute looks through a 1,440th of them, so that each is met once a day. Results of
 * calls with `result_expires` go when they expire.
 * Rows written: one per task, one per label, two per result.
 */
export class HistoryPruner {
  readonly #db: D1Database;
  readonly #results: R2Bucket;
  readonly #clock: Clock;
  readonly #keptMs: number;

  constructor(parts: { db: D1Database; results: R2Bucket; clock: Clock; keptDays: number }) {
    this.#db = parts.db;
    this.#results = parts.results;
    this.#clock = parts.clock;
    this.#keptMs = parts.keptDays * DAY_MS;
  }

  /** A duty of the watchdog, in every round. Safe to repeat, and to break off: what is left is found again. */
  async run(): Promise<void> {
    const now = this.#clock.now();
    const before = now - this.#keptMs;
    const part = derivedIdsOf(now);
    const over = { from: "0", to: lowestIdAt(before - SPARE_MS) };
    const latest = { from: lowestIdAt(before - LATEST_MS), to: lowestIdAt(before - MARGIN_MS) };
    let left = MAX_BATCHES;
    for (const { range, which } of [
      { range: part, which: ALL },
      { range: latest, which: NOT_SPARE },
      { range: over, which: ALL },
    ]) {
      let count = BATCH;
      for (; left > 0 && count === BATCH; left -= 1) {
        count = await this.#delete(range, before, which);
      }
    }
    for (let count = BATCH; left > 0 && count === BATCH; left -= 1) {
      count = await this.#deleteResults(now);
    }
  }

  /** Of a task whose result has expired all else stays. What says that there is one goes last. */
  async #deleteResults(now: number): Promise<number> {
    const { results: expired } = await this.#db
      .prepare(
        `SELECT expires_at AS at, task_id AS id, detail ->> '$[10].key' AS key
         FROM expiring_results LEFT JOIN tasks ON tasks.id = task_id
         WHERE expires_at <= ? ORDER BY expires_at LIMIT ?`,
      )
      .bind(now, BATCH)
      .all<{ at: number; id: string; key: string | null }>();
    if (expired.length === 0) return 0;
    const keys = expired.flatMap(({ key }) => key ?? []);
    if (keys.length > 0) await this.#results.delete(keys);
    const rows = JSON.stringify(expired.map(({ at, id }) => [at, id]));
    const ids = "(SELECT value ->> 1 FROM json_each(?))";
    await this.#db.batch([
      this.#db
        .prepare(
          `UPDATE tasks SET result = NULL, detail = json_remove(detail, '$[10]') WHERE id IN ${ids}`,
        )
        .bind(rows),
      this.#db
        .prepare(
          `DELETE FROM expiring_results WHERE (expires_at, task_id) IN
             (SELECT value ->> 0, value ->> 1 FROM json_each(?))`,
        )
        .bind(rows),
    ]);
    return expired.length;
  }

  /** What goes first is what nobody finds any more: labels and large results, then the tasks. */
  async #delete({ from, to }: IdRange, before: number, which: string): Promise<number> {
    const { results: tasks } = await this.#db
      .prepare(
        `SELECT id, detail ->> '$[2].labels' AS labels, detail ->> '$[10].key' AS key FROM tasks
         WHERE id >= ? AND id < ? AND finished_at < ? AND ${which} ORDER BY id LIMIT ?`,
      )
      .bind(from, to, before, BATCH)
      .all<Doomed>();
    if (tasks.length === 0) return 0;
    const keys = tasks.flatMap(({ key }) => key ?? []);
    if (keys.length > 0) await this.#results.delete(keys);
    const labels = tasks.flatMap(({ id, labels: own }) =>
      Object.entries(JSON.parse(own ?? "{}") as Record<string, string>).map(([label, value]) =>
        JSON.stringify([label, value, id]),
      ),
    );
    for (const { text } of jsonArrays(labels)) {
      await this.#db
        .prepare(
          `DELETE FROM task_labels WHERE (label, value, task_id) IN
             (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?))`,
        )
        .bind(text)
        .run();
    }
    await this.#db
      .prepare("DELETE FROM tasks WHERE id IN (SELECT value FROM json_each(?))")
      .bind(JSON.stringify(tasks.map(({ id }) => id)))
      .run();
    return tasks.length;
  }
}

/** The derived ids whose turn it is in this minute of the day: `f`, and a share of the seven digits after it. */
function derivedIdsOf(now: number): IdRange {
  const minutes = DAY_MS / MINUTE_MS;
  const minute = Math.floor((now % DAY_MS) / MINUTE_MS);
  const at = (part: number) =>
    part === minutes
      ? "g"
      : FIRST_DERIVED_ID +
        Math.floor((part / minutes) * 0x1000_0000)
          .toString(16)
          .padStart(7, "0");
  return { from: at(minute), to: at(minute + 1) };
}

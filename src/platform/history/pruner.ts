import { FIRST_DERIVED_ID, lowestIdAt, type Clock } from "#engine";
import { jsonArrays } from "../json-parameters.ts";
import { fromRow, type HistoryRow } from "./rows.ts";

/** Tasks that one run deletes at most: the next run goes on. */
const BATCH = 500;
const DAY_MS = 86_400_000;
/** Once a day, in these minutes after midnight, the tasks are looked through whose ids carry no time. */
const SWEEP_MS = 120_000;

/**
 * The agent that deletes finished tasks when their time is over, with their labels and large results.
 * Those whose ids carry their time are found through the primary key, so a run costs what it deletes; the
 * others (made with keys) are looked through once a day. Rows written: one per task, one per label.
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

  /** A duty of the watchdog. Safe to repeat, and to break off: what is left is found again. */
  async run(): Promise<void> {
    const now = this.#clock.now();
    const before = now - this.#keptMs;
    await this.#delete("0", lowestIdAt(before), before);
    if (now % DAY_MS < SWEEP_MS) await this.#sweepDerived(before);
  }

  async #sweepDerived(before: number): Promise<void> {
    while ((await this.#delete(FIRST_DERIVED_ID, "g", before)) === BATCH);
  }

  /** What goes first is what nobody finds any more: labels and large results, then the tasks. */
  async #delete(from: string, to: string, before: number): Promise<number> {
    const { results: rows } = await this.#db
      .prepare(
        "SELECT * FROM tasks WHERE id >= ? AND id < ? AND finished_at < ? ORDER BY id LIMIT ?",
      )
      .bind(from, to, before, BATCH)
      .all<HistoryRow>();
    if (rows.length === 0) return 0;
    const tasks = rows.map(fromRow);
    const keys = tasks.flatMap(({ large }) => large?.key ?? []);
    if (keys.length > 0) await this.#results.delete(keys);
    const labels = tasks.flatMap(({ id, options: { labels: own = {} } }) =>
      Object.entries(own).map(([label, value]) => JSON.stringify([label, value, id])),
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
    return rows.length;
  }
}

import { lowestIdAt, type Clock } from "#engine";
import type { Env } from "../env.ts";
import { log } from "../log.ts";
import { systemClock } from "../system.ts";
import { COLUMNS, VALUES } from "./rows.ts";

/** Finished tasks are kept so many days where a deployment doesn't say, and at least. */
export const DEFAULT_HISTORY_DAYS = 30;
export const MIN_HISTORY_DAYS = 7;
const DAY_MS = 86_400_000;

/** How long a row whose time is over is left to be written over, before the pruner deletes it: a day evens out its hours. */
export const SPARE_MS = DAY_MS;
/** Rows were minted so long before their time was over: most had ended by then, and those that hadn't are passed by. */
export const MARGIN_MS = 600_000;
/** Where there were none left there are none for a while. */
const NONE_MS = 60_000;
/** Rows that are looked at for those that are wanted: some are large, labelled, or ended late. */
const LOOKS = 4;
const MORE_LOOKS = 200;
/** Nothing was written over. */
export const NONE_FILLED = { filled: 0, rowsWritten: 0 };

/** It has no labels and no large result, which would have to be deleted, too. Of a row whose time is over. */
export const IS_SPARE = "detail ->> '$[2].labels' IS NULL AND detail ->> '$[10]' IS NULL";

/**
 * Input: new tasks as a JSON array of arrays (?1), where to look (?2, ?3) and at how many rows (?4), and before when
 * they must have ended (?5). Effect: so many spare rows, the oldest first, become those of the new tasks that are
 * not there yet, one each. Safe twice and late: what is there stays as it is. Rows written: as many as an insert's,
 * which comes to one row more with a delete (a change of the key in a table WITHOUT ROWID counts as one row).
 */
const OVERWRITE = `UPDATE OR IGNORE tasks SET (${COLUMNS}, resolution) = (${VALUES}, NULL)
  FROM (
    SELECT spare.id AS spare_id, new.value AS value
    FROM (
      SELECT id, row_number() OVER (ORDER BY id) - 1 AS n FROM (
        SELECT id FROM (
          SELECT id, finished_at, detail FROM tasks WHERE id >= ?2 AND id < ?3 ORDER BY id LIMIT ?4
        )
        WHERE finished_at < ?5 AND ${IS_SPARE}
        LIMIT json_array_length(?1)
      )
    ) AS spare
    JOIN json_each(?1) AS new ON new.key = spare.n
    WHERE NOT EXISTS (SELECT 1 FROM tasks AS known WHERE known.id = new.value ->> 0)
  )
  WHERE tasks.id = spare_id`;

/** Input: the same place, and how many rows were looked at there that are left. Output: the last of them; fewer: no more come. */
const LAST_LOOKED_AT = `SELECT max(id) AS id, count(*) AS count
  FROM (SELECT id FROM tasks WHERE id >= ? AND id < ? ORDER BY id LIMIT ?)`;

/**
 * Rows of the history whose time is over, for new tasks to be written into: so the purge of a task is paid with the
 * row of another that has ended since. Which ids those have is told by their time; derived ids tell none, and are
 * left to the pruner.
 */
export class SpareRows {
  readonly #db: D1Database;
  readonly #clock: Clock;
  readonly #keptMs: number;
  /** No row before this id is spare, or ever will be. Forgotten with the object: then it is looked for again. */
  #from = "";
  #noneUntil = 0;

  constructor(db: D1Database, clock: Clock, keptMs: number) {
    this.#db = db;
    this.#clock = clock;
    this.#keptMs = keptMs;
  }

  /**
   * Writes tasks into spare rows, as far as there are any; the caller inserts those that are not there then.
   * @param text `count` tasks, see `toValues`
   * @returns how many it wrote, and the rows that took
   */
  async fill(text: string, count: number): Promise<{ filled: number; rowsWritten: number }> {
    const now = this.#clock.now();
    if (now < this.#noneUntil) return NONE_FILLED;
    // Should it fail, too, the tasks are inserted as if there were none.
    this.#noneUntil = now + NONE_MS;
    const before = now - this.#keptMs;
    const oldest = lowestIdAt(before - SPARE_MS);
    const from = this.#from > oldest ? this.#from : oldest;
    const to = lowestIdAt(before - MARGIN_MS);
    const looks = LOOKS * count + MORE_LOOKS;
    try {
      const { meta } = await this.#db.prepare(OVERWRITE).bind(text, from, to, looks, before).run();
      const filled = meta.changes;
      if (filled === count || (await this.#passBy(from, to, looks - filled))) this.#noneUntil = 0;
      return { filled, rowsWritten: meta.rows_written };
    } catch (error) {
      log("spare_rows_failed", { error });
      return NONE_FILLED;
    }
  }

  /** What was looked at and is still there was not spare. @returns whether there is more behind it */
  async #passBy(from: string, to: string, looked: number): Promise<boolean> {
    const { results } = await this.#db
      .prepare(LAST_LOOKED_AT)
      .bind(from, to, looked)
      .all<{ id: string | null; count: number }>();
    this.#from = results[0]?.id ?? from;
    return results[0]?.count === looked;
  }
}

/** Those of a deployment; null: for how long it keeps tasks is no such number, so nothing is written over. */
export function spareRowsOf({ DB, HISTORY_DAYS }: Env): SpareRows | null {
  const days = Number(HISTORY_DAYS ?? DEFAULT_HISTORY_DAYS);
  return days >= MIN_HISTORY_DAYS ? new SpareRows(DB, systemClock, days * DAY_MS) : null;
}

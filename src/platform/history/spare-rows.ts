import { lowestIdAt, type Clock } from "#engine";
import { log } from "../log.ts";
import { COLUMNS, VALUES } from "./rows.ts";

/** How long a row whose time is over is left to be written over, before the pruner deletes it: a day evens out its hours. */
export const SPARE_MS = 86_400_000;
const DAY_MS = 86_400_000;
/** Where fewer were spare than wanted there are none for a while. */
const NONE_MS = 60_000;
/** Rows that are looked at for each that is wanted: some are large, labelled, or ended late. */
const LOOKS = 4;
const MORE_LOOKS = 12;
const NONE = { filled: 0, rowsWritten: 0 };

/**
 * Input: new tasks as a JSON array of arrays, the ids between which rows were minted whose time is over, since when
 * they must have ended, and how many to look at. Effect: so many rows, the newest first, become those of the new
 * tasks that are not there yet, one each. A row with labels or a large result is left, it takes more to delete it.
 * Safe twice and late: what is there stays as it is. Rows written: one per new task, where a delete and an
 * insert are two (a change of the key in a table WITHOUT ROWID counts as one row).
 */
const OVERWRITE = `UPDATE OR IGNORE tasks SET (${COLUMNS}, resolution) = (${VALUES}, NULL)
  FROM (
    SELECT spare.id AS spare_id, new.value AS value
    FROM (
      SELECT id, row_number() OVER (ORDER BY id DESC) - 1 AS n FROM (
        SELECT id, finished_at, detail FROM tasks WHERE id >= ?2 AND id < ?3 ORDER BY id DESC LIMIT ?5
      )
      WHERE finished_at < ?4 AND detail ->> '$[2].labels' IS NULL AND detail ->> '$[10]' IS NULL
    ) AS spare
    JOIN json_each(?1) AS new ON new.key = spare.n
    WHERE NOT EXISTS (SELECT 1 FROM tasks AS known WHERE known.id = new.value ->> 0)
  )
  WHERE tasks.id = spare_id`;

/**
 * Rows of the history whose time is over, for new tasks to be written into: so the purge of a task is paid with the
 * row of another that has ended since. Which ids those have is told by their time; derived ids tell none, and are
 * left to the pruner.
 */
export class SpareRows {
  readonly #db: D1Database;
  readonly #clock: Clock;
  /** Null: nobody has told yet. */
  #keptMs: number | null = null;
  #noneUntil = 0;

  constructor(db: D1Database, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  /** Finished tasks are kept so many days from now on. */
  keep(days: number): void {
    this.#keptMs = days * DAY_MS;
  }

  /**
   * Writes tasks into spare rows, as far as there are any; the caller inserts those that are not there then.
   * @param text `count` tasks, see `toValues`
   * @returns how many it wrote, and the rows that took
   */
  async fill(text: string, count: number): Promise<{ filled: number; rowsWritten: number }> {
    const now = this.#clock.now();
    if (this.#keptMs === null || now < this.#noneUntil) return NONE;
    // Should it fail, too, the tasks are inserted as if there were none.
    this.#noneUntil = now + NONE_MS;
    const before = now - this.#keptMs;
    const newest = [lowestIdAt(before - SPARE_MS), lowestIdAt(before), before];
    try {
      const { meta } = await this.#db
        .prepare(OVERWRITE)
        .bind(text, ...newest, LOOKS * count + MORE_LOOKS)
        .run();
      if (meta.changes === count) this.#noneUntil = 0;
      return { filled: meta.changes, rowsWritten: meta.rows_written };
    } catch (error) {
      log("spare_rows_failed", { error });
      return NONE;
    }
  }
}

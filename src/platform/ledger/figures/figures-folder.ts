import { addFigures, type FiguresByTask } from "#engine";
import type { SqlPort } from "../ports.ts";
import { consume } from "../schema.ts";

const DAY_MINUTES = 1_440;
/** Times that one run puts together, of each length; and rows that it deletes. */
const MAX_FOLDS = 6;
const MAX_DELETES = 100;

/** What is older than so many minutes is put together into times of so many. */
const FOLDS = [
  { olderThan: 1_560, minutes: 60 },
  { olderThan: 130, minutes: 10 },
] as const;

/** How long minutes are there for readers, and ten minutes: less than until they are folded. */
const READABLE = { minutes: 120, tens: 1_500 };

/** What is kept of a time that began `age` minutes ago: the length of its parts in minutes. */
export function partOf(age: number): number {
  if (age <= READABLE.minutes) return 1;
  return age <= READABLE.tens ? 10 : 60;
}

/**
 * Puts old figures of a shard together: ten minutes each after two hours, hours after a day; and deletes what is
 * older than the history. The newest row stays as it is: it has the total, and a later one is never in a time that
 * was folded. A run does little; what is left the next one does.
 */
export class FiguresFolder {
  readonly #sql: SqlPort;
  /** Until which minute there is nothing to be folded, by the length of the times: 0 at first. */
  readonly #doneUntil = new Map<number, number>();

  constructor(sql: SqlPort) {
    this.#sql = sql;
  }

  /**
   * @param now minutes since 1970, as the next
   * @param newest the newest minute in the table
   * Rows written: those that go, and one for each time that is put together.
   */
  run(now: number, newest: number, keptDays: number): void {
    consume(
      this.#sql.exec(
        `DELETE FROM figures WHERE minute IN
           (SELECT minute FROM figures WHERE minute < ? ORDER BY minute LIMIT ${MAX_DELETES})`,
        Math.min(now - keptDays * DAY_MINUTES, newest),
      ),
    );
    for (const { olderThan, minutes } of FOLDS) {
      // Whole times only, so that each is put together once.
      const end = Math.min(now - olderThan, newest);
      this.#foldUntil(end - (end % minutes), minutes);
    }
  }

  #foldUntil(end: number, minutes: number): void {
    for (let folds = 0; folds < MAX_FOLDS; folds += 1) {
      const [row] = [
        ...this.#sql.exec<{ minute: number }>(
          `SELECT minute FROM figures WHERE minute >= ? AND minute < ? AND minutes < ?
           ORDER BY minute LIMIT 1`,
          ...[this.#doneUntil.get(minutes) ?? 0, end, minutes],
        ),
      ];
      if (row !== undefined) this.#fold(row.minute - (row.minute % minutes), minutes);
      const done = row === undefined ? end : row.minute - (row.minute % minutes) + minutes;
      this.#doneUntil.set(minutes, Math.max(this.#doneUntil.get(minutes) ?? 0, done));
      if (row === undefined) return;
    }
  }

  #fold(start: number, minutes: number): void {
    const rows = this.#sql.exec<{ figures: string }>(
      "SELECT figures FROM figures WHERE minute >= ? AND minute < ?",
      ...[start, start + minutes],
    );
    const parts = Array.from(rows, ({ figures }) => JSON.parse(figures) as FiguresByTask);
    consume(
      this.#sql.exec(
        "DELETE FROM figures WHERE minute > ? AND minute < ?",
        ...[start, start + minutes],
      ),
    );
    consume(
      this.#sql.exec(
        "INSERT OR REPLACE INTO figures (minute, minutes, figures, total) VALUES (?, ?, ?, '{}')",
        ...[start, minutes, JSON.stringify(addFigures(parts))],
      ),
    );
  }
}

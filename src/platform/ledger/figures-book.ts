import { addFigures, countTasks, type FiguresByTask, type FinishedTask } from "#engine";
import { FiguresFolder } from "./figures-folder.ts";
import type { SqlPort } from "./ports.ts";
import { consume } from "./schema.ts";

const MINUTE_MS = 60_000;
/** Of these the text in `finished` is made: more there are only where nobody tidies up. */
const MAX_PENDING = 10;

/** What was counted in a time that begins in this minute since 1970. */
export interface FiguresOfMinute {
  readonly minute: number;
  readonly figures: FiguresByTask;
}

/**
 * What was counted of the tasks that ended in one shard. A task is counted in the transaction of its end: the
 * row of `finished` that is written then says what was counted in the minutes that the table `figures` doesn't
 * have yet. A tick moves those that are over there; which it has, it alone says: what the newest row of
 * `finished` repeats of them doesn't count.
 */
export class FiguresBook {
  readonly #sql: SqlPort;
  readonly #folder: FiguresFolder;
  /** By minute, in ascending order. */
  readonly #pending = new Map<number, FiguresByTask>();
  /** The newest minute in the table; 0: it is empty. */
  #newest: number;

  /** @param pending what the newest row of `finished` says */
  constructor(sql: SqlPort, pending: string) {
    this.#sql = sql;
    this.#folder = new FiguresFolder(sql);
    const [row] = [
      ...sql.exec<{ minute: number | null }>("SELECT max(minute) AS minute FROM figures"),
    ];
    this.#newest = row?.minute ?? 0;
    const minutes = Object.entries(JSON.parse(pending) as Record<string, FiguresByTask>);
    for (const [minute, figures] of minutes) {
      if (Number(minute) > this.#newest) this.#pending.set(Number(minute), figures);
    }
  }

  /**
   * Counts tasks in the minute of `now` (epoch ms), or in a later one that was counted in before: a clock that
   * goes back changes nothing that is over.
   * @returns what is to be written in the row of `finished` that is written with them
   */
  count(tasks: readonly FinishedTask[], now: number): string {
    const minute = Math.max(minuteOf(now), this.#newest + 1, ...this.#pending.keys());
    this.#pending.set(minute, countTasks(this.#pending.get(minute) ?? {}, tasks));
    const [oldest, next] = this.#pending.keys();
    if (this.#pending.size > MAX_PENDING && oldest !== undefined && next !== undefined) {
      const both = [oldest, next].map((each) => this.#pending.get(each) ?? {});
      this.#pending.set(next, addFigures(both));
      this.#pending.delete(oldest);
    }
    return JSON.stringify(Object.fromEntries(this.#pending));
  }

  /**
   * Puts minutes that are over into the table, and does what the folder has to do. One transaction, its caller's.
   * Safe to repeat. Rows written: one per minute in which tasks ended; the folder's.
   */
  tidy(now: number, keptDays: number): void {
    for (const [minute, figures] of this.#pending) {
      if (minute >= minuteOf(now)) break;
      const total = addFigures([this.#tableTotal(), figures]);
      consume(
        this.#sql.exec(
          "INSERT INTO figures (minute, minutes, figures, total) VALUES (?, 1, ?, ?)",
          ...[minute, JSON.stringify(figures), JSON.stringify(total)],
        ),
      );
      this.#pending.delete(minute);
      this.#newest = minute;
    }
    this.#folder.run(minuteOf(now), this.#newest, keptDays);
  }

  /**
   * What was counted in a time, put together in steps.
   * @param from minutes since 1970, a multiple of the step; times that are longer than it count where they begin
   * @param until not included
   * @param step minutes
   * @returns in their order; those in which nothing ended are not there
   */
  over(from: number, until: number, step: number): FiguresOfMinute[] {
    const rows = this.#sql.exec<{ minute: number; figures: string }>(
      "SELECT minute, figures FROM figures WHERE minute >= ? AND minute < ? ORDER BY minute",
      ...[from, until],
    );
    const all: FiguresOfMinute[] = Array.from(rows, ({ minute, figures }) => ({
      minute,
      figures: JSON.parse(figures) as FiguresByTask,
    }));
    for (const [minute, figures] of this.#pending) {
      if (minute >= from && minute < until) all.push({ minute, figures });
    }
    const steps = Map.groupBy(all, ({ minute }) => minute - (minute % step));
    return Array.from(steps, ([minute, parts]) => ({
      minute,
      figures: addFigures(parts.map(({ figures }) => figures)),
    }));
  }

  /** Everything that was ever counted. */
  total(): FiguresByTask {
    return addFigures([this.#tableTotal(), ...this.#pending.values()]);
  }

  #tableTotal(): FiguresByTask {
    const [row] = [
      ...this.#sql.exec<{ total: string }>(
        "SELECT total FROM figures ORDER BY minute DESC LIMIT 1",
      ),
    ];
    return row === undefined ? {} : (JSON.parse(row.total) as FiguresByTask);
  }
}

function minuteOf(at: number): number {
  return Math.floor(at / MINUTE_MS);
}

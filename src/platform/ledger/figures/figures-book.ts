import {
  addFigures,
  countTasks,
  figuresKey,
  MAX_COUNTED,
  OTHER_TASKS,
  type FiguresByTask,
  type FinishedTask,
} from "#engine";
import { FiguresFolder } from "./figures-folder.ts";
import type { SqlPort } from "../ports.ts";
import { consume } from "../schema.ts";

const MINUTE_MS = 60_000;
/** Of these the text in `finished` is made: more there are only where nobody tidies up. */
const MAX_PENDING = 10;
/** Of more than one minute: a row has 2,000,000 bytes at most, and it has the tasks besides. */
const MAX_PENDING_LENGTH = 150_000;

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
  readonly #pending = new Map<number, PendingMinute>();
  /** The newest minute in the table; 0: it is empty. */
  #newest: number;
  /** All that was ever counted by its own name and queue. */
  readonly #known: Set<string>;

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
      if (Number(minute) > this.#newest) {
        this.#pending.set(Number(minute), new PendingMinute(figures));
      }
    }
    this.#known = new Set(Object.keys(this.total()));
  }

  /**
   * Counts tasks in the minute of `now` (epoch ms), or in a later one that was counted in before: a clock that
   * goes back changes nothing that is over.
   * @returns what is to be written in the row of `finished` that is written with them
   */
  count(tasks: readonly FinishedTask[], now: number): string {
    const minute = Math.max(minuteOf(now), this.#newest + 1, ...this.#pending.keys());
    const counted = this.#pending.get(minute) ?? new PendingMinute({});
    counted.count(tasks.map((task) => this.#countedAs(task)));
    this.#pending.set(minute, counted);
    for (;;) {
      const text = this.#pendingText();
      const isMuch = this.#pending.size > MAX_PENDING || text.length > MAX_PENDING_LENGTH;
      const [oldest, next] = this.#pending.keys();
      if (!isMuch || oldest === undefined || next === undefined) return text;
      const both = [oldest, next].map((each) => this.#pending.get(each)?.figures ?? {});
      this.#pending.set(next, new PendingMinute(addFigures(both)));
      this.#pending.delete(oldest);
    }
  }

  /**
   * Puts minutes that are over into the table, and does what the folder has to do. One transaction, its caller's.
   * Safe to repeat. Rows written: one per minute in which tasks ended; the folder's.
   */
  tidy(now: number, keptDays: number): void {
    for (const [minute, { figures }] of this.#pending) {
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
    for (const [minute, { figures }] of this.#pending) {
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
    const pending = Array.from(this.#pending.values(), ({ figures }) => figures);
    return addFigures([this.#tableTotal(), ...pending]);
  }

  #pendingText(): string {
    const texts = Array.from(this.#pending, ([minute, { text }]) => `"${minute}":${text}`);
    return `{${texts.join(",")}}`;
  }

  /** By its own name as long as there are not too many: all of them are in every text. */
  #countedAs(task: FinishedTask): FinishedTask {
    const key = figuresKey(task.name, task.queue);
    if (this.#known.has(key)) return task;
    if (this.#known.size >= MAX_COUNTED) return { ...task, name: OTHER_TASKS };
    this.#known.add(key);
    return task;
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

/** A minute that the table doesn't have, and its JSON text: with every end only what it changed is made anew. */
class PendingMinute {
  figures: FiguresByTask;
  /** Of each name and queue, by their key. */
  readonly #texts = new Map<string, string>();
  /** Of all of them; null: something was counted since it was made. */
  #text: string | null = null;

  constructor(figures: FiguresByTask) {
    this.figures = figures;
    for (const key of Object.keys(figures)) this.#write(key);
  }

  get text(): string {
    return (this.#text ??= `{${[...this.#texts.values()].join(",")}}`);
  }

  count(tasks: readonly FinishedTask[]): void {
    this.figures = countTasks(this.figures, tasks);
    for (const key of new Set(tasks.map(({ name, queue }) => figuresKey(name, queue)))) {
      this.#write(key);
    }
  }

  #write(key: string): void {
    this.#text = null;
    this.#texts.set(key, `${JSON.stringify(key)}:${JSON.stringify(this.figures[key])}`);
  }
}

function minuteOf(at: number): number {
  return Math.floor(at / MINUTE_MS);
}

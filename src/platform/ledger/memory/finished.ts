import type { FinishedTask } from "#engine";
import { jsonArrays } from "../../json-parameters.ts";
import { FiguresBook } from "../figures/figures-book.ts";
import type { SqlPort } from "../ports.ts";
import { consume } from "../schema.ts";
import { Slots } from "./slots.ts";

interface FinishedRow extends Record<string, string | number | null> {
  slot: number;
  seq: number;
  /** Null: D1 has them. */
  tasks: string | null;
  /** Null: there is a newer row. */
  figures: string | null;
}

interface Batch {
  readonly seq: number;
  readonly slot: number;
  /** Characters of its JSON. */
  readonly length: number;
  readonly count: number;
  /** When its first task ended, epoch ms. */
  readonly finishedAt: number;
  /** Null: there is no memory for them, and they are read from their row whenever they are asked for. */
  readonly tasks: readonly FinishedTask[] | null;
  /** Where each stands. Of those in memory it is made when somebody first looks: most are gone before that. */
  places: ReadonlyMap<string, number> | null;
}

/**
 * Characters of them in memory, and of those that make it be behind: an object has 128 MB, and a character takes two
 * bytes at most. What runs may still end then, and what waits expire or be called off, in any number.
 */
const MAX_LENGTH = 32_000_000;
/** Characters of those that are sent to D1 together, but for the last ones': their rows are in memory too. */
const MAX_SENT_LENGTH = 4 * 1_024 * 1_024;
/** So long a row that D1 has waits to be written over, which is cheaper than to delete it. */
const SPARE_MS = 86_400_000;

/**
 * The finished tasks of one ledger that D1 does not have yet: a small outbox, one row per batch of tasks
 * that ended in one transaction. A batch leaves when D1 confirmed it; its row is written again by a
 * later one, which also records how far D1 had got. After a restart some batches may be sent again,
 * which changes nothing there.
 */
export class FinishedTasks {
  /** What was counted of them, and of those that have gone. */
  readonly figures: FiguresBook;
  readonly #sql: SqlPort;
  readonly #maxSize: number;
  readonly #slots = new Slots();
  /** In the order of their seq. */
  #batches: Batch[] = [];
  #size = 0;
  #length = 0;
  #lastSeq = 0;
  #flushedSeq = 0;
  /** What the table says of it. */
  #recordedSeq = 0;
  #latestFinish = 0;

  /** @param maxSize tasks; beyond them it is behind */
  constructor(sql: SqlPort, maxSize: number) {
    this.#sql = sql;
    this.#maxSize = maxSize;
    const [last] = sql.exec<{ flushed: number | null }>(
      "SELECT max(flushed_seq) AS flushed FROM finished",
    );
    this.#flushedSeq = last?.flushed ?? 0;
    this.#recordedSeq = this.#flushedSeq;
    let figures = "{}";
    // One after the other: the texts of all of them beside their tasks may be more than there is memory for.
    const rows = sql.exec<FinishedRow>(
      `SELECT slot, seq, iif(seq > ?, tasks, NULL) AS tasks,
         iif(seq = (SELECT max(seq) FROM finished), figures, NULL) AS figures
       FROM finished ORDER BY seq`,
      this.#flushedSeq,
    );
    for (const row of rows) {
      this.#load(row);
      figures = row.figures ?? figures;
    }
    this.figures = new FiguresBook(sql, figures);
  }

  /** The newest time in the table: the clock never goes below it. Epoch ms. */
  get latestFinish(): number {
    return this.#latestFinish;
  }

  /** When the oldest ended that D1 doesn't have yet, epoch ms; null: it has all. */
  get oldestFinish(): number | null {
    return this.#batches[0]?.finishedAt ?? null;
  }

  /** Tasks that D1 doesn't have yet. */
  get size(): number {
    return this.#size;
  }

  /** So much waits for D1 that nothing is taken, and nothing started, until it is less. */
  get isBehind(): boolean {
    return this.#size > this.#maxSize || this.#length > MAX_LENGTH;
  }

  /** There are as many characters as D1 is sent together: they wait for no company. */
  get isLong(): boolean {
    return this.#length >= MAX_SENT_LENGTH;
  }

  get(taskId: string): FinishedTask | undefined {
    for (const batch of this.#batches) {
      batch.places ??= placesOf(batch.tasks ?? []);
      const place = batch.places.get(taskId);
      if (place !== undefined) return this.#tasksOf(batch)[place];
    }
    return undefined;
  }

  /** All of them, those that ended first at the front. */
  *all(): Generator<FinishedTask> {
    for (const batch of this.#batches) yield* this.#tasksOf(batch);
  }

  /**
   * Keeps and counts tasks that ended in the current transaction. Rows written: 1, more if they are large.
   * @param now epoch ms
   */
  append(tasks: readonly FinishedTask[], now: number): void {
    let kept = 0;
    for (const { text, count } of jsonArrays(tasks.map((task) => JSON.stringify(task)))) {
      this.#appendBatch(tasks.slice(kept, kept + count), text, now);
      kept += count;
    }
  }

  #appendBatch(tasks: readonly FinishedTask[], text: string, now: number): void {
    this.#lastSeq += 1;
    const slot = this.#slots.take();
    consume(
      this.#sql.exec(
        `INSERT OR REPLACE INTO finished (slot, seq, flushed_seq, ended_at, tasks, figures)
         VALUES (?, ?, ?, ?, ?, ?)`,
        ...[slot, this.#lastSeq, this.#flushedSeq, now, text, this.figures.count(tasks, now)],
      ),
    );
    this.#recordedSeq = this.#flushedSeq;
    this.#remember(this.#lastSeq, slot, text.length, tasks);
  }

  /** The oldest batches, up to about `limit` tasks, fewer if they are large: what to send to D1 next. */
  oldest(limit: number): Batch[] {
    const batches: Batch[] = [];
    let count = 0;
    let length = 0;
    for (const batch of this.#batches) {
      if (count > 0 && count + batch.count > limit) break;
      if (length >= MAX_SENT_LENGTH) break;
      batches.push(batch);
      count += batch.count;
      length += batch.length;
    }
    return batches;
  }

  /** The tasks of some batches, in their order. */
  tasksOf(batches: readonly Batch[]): FinishedTask[] {
    return batches.flatMap((batch) => this.#tasksOf(batch));
  }

  /** D1 has these batches, the oldest there were. Writes nothing: a later `append` or `putDown` records it. */
  confirm(batches: readonly Batch[]): void {
    for (const batch of batches) {
      this.#flushedSeq = batch.seq;
      this.#slots.release(batch.slot);
      this.#size -= batch.count;
      this.#length -= batch.length;
    }
    this.#batches = this.#batches.slice(batches.length);
  }

  /**
   * Records that D1 has all, so that an object that was out of memory doesn't send it again. Only to be called when
   * nothing waits for D1. Rows written: 1.
   * @returns whether that was not recorded yet; if it was, nothing is written
   */
  putDown(): boolean {
    if (this.#recordedSeq === this.#flushedSeq) return false;
    consume(
      this.#sql.exec(
        "UPDATE finished SET flushed_seq = seq, tasks = '[]' WHERE seq = ?",
        this.#flushedSeq,
      ),
    );
    this.#recordedSeq = this.#flushedSeq;
    return true;
  }

  /**
   * Deletes what D1 has had for a day, but for the newest row: it has the numbers and figures that the next start
   * goes on from. Tidies the figures. Rows written: one per row deleted; those of the figures.
   */
  tidy(now: number, keptDays: number): void {
    consume(
      this.#sql.exec(
        `DELETE FROM finished
         WHERE seq <= ? AND ended_at < ? AND seq < (SELECT max(seq) FROM finished)`,
        ...[this.#flushedSeq, now - SPARE_MS],
      ),
    );
    this.figures.tidy(now, keptDays);
  }

  #load(row: FinishedRow): void {
    const { seq, slot, tasks } = row;
    this.#lastSeq = Math.max(this.#lastSeq, seq);
    this.#slots.note(slot, tasks === null);
    if (tasks !== null) this.#remember(seq, slot, tasks.length, parsed(tasks));
  }

  #remember(seq: number, slot: number, length: number, tasks: readonly FinishedTask[]): void {
    this.#size += tasks.length;
    this.#length += length;
    const isKept = this.#length <= MAX_LENGTH;
    this.#batches.push({
      ...{ seq, slot, length, count: tasks.length, finishedAt: tasks[0]?.finishedAt ?? 0 },
      ...{ tasks: isKept ? tasks : null, places: isKept ? null : placesOf(tasks) },
    });
    for (const task of tasks) {
      this.#latestFinish = Math.max(this.#latestFinish, task.finishedAt);
    }
  }

  #tasksOf({ slot, tasks }: Batch): readonly FinishedTask[] {
    if (tasks !== null) return tasks;
    const [row] = this.#sql.exec<{ tasks: string }>(
      "SELECT tasks FROM finished WHERE slot = ?",
      slot,
    );
    return parsed(row?.tasks ?? "[]");
  }
}

function parsed(text: string): FinishedTask[] {
  return JSON.parse(text) as FinishedTask[];
}

function placesOf(tasks: readonly FinishedTask[]): ReadonlyMap<string, number> {
  return new Map(tasks.map(({ id }, place) => [id, place]));
}

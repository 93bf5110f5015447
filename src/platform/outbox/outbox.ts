import { and, asc, eq, gt, inArray, lt, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { BatchItem } from "drizzle-orm/batch";
import {
  LovageError,
  shardOf,
  type Clock,
  type Outbox,
  type SubmitAnswer,
  type TaskSpec,
  type TaskSubmitter,
} from "#engine";
import { outbox } from "./tables.ts";

/** Rows younger than this are left to the relay that the write itself starts. */
const SWEEP_AFTER_MS = 10_000;
/** Rows that a sweep takes at a time. */
const SWEEP_ROWS = 200;
/** Tasks that may fail one by one before a shard counts as out of reach for the rest of a sweep. */
const MAX_FAILURES = 10;

/** A row as the sweep finds it. */
interface Row {
  readonly id: string;
  readonly spec: string;
}

/** The outbox in D1: see the engine's `Outbox`. */
export class D1Outbox implements Outbox<BatchItem<"sqlite">> {
  readonly #db: DrizzleD1Database;
  readonly #submitter: TaskSubmitter;
  readonly #clock: Clock;
  readonly #log: (event: string, fields: Record<string, unknown>) => void;

  constructor(parts: {
    db: DrizzleD1Database;
    submitter: TaskSubmitter;
    clock: Clock;
    log: (event: string, fields: Record<string, unknown>) => void;
  }) {
    this.#db = parts.db;
    this.#submitter = parts.submitter;
    this.#clock = parts.clock;
    this.#log = parts.log;
  }

  /**
   * One statement with one parameter, for any number of tasks. Fails its batch when an id is there
   * already. Rows written: one per task.
   * @throws LovageError `fingerprint_missing`: a second relay of such a task would be a second task
   */
  insert(tasks: readonly TaskSpec[]): BatchItem<"sqlite"> {
    const createdAt = this.#clock.now();
    const rows = tasks.map((task) => {
      if (task.fingerprint === null) {
        throw new LovageError("fingerprint_missing", `${task.name}: use prepareRepeatable().`);
      }
      return [task.id, JSON.stringify(task)];
    });
    return this.#db
      .insert(outbox)
      .select(
        sql`SELECT value ->> 0, value ->> 1, ${createdAt} FROM json_each(${JSON.stringify(rows)})`,
      );
  }

  /** A task that was not relayed yet; null if it isn't here. */
  async find(taskId: string): Promise<TaskSpec | null> {
    const [row] = await this.#db
      .select({ spec: outbox.spec })
      .from(outbox)
      .where(eq(outbox.id, taskId));
    return row === undefined ? null : (JSON.parse(row.spec) as TaskSpec);
  }

  /**
   * Submits tasks and takes out those that the ledger has. Safe to repeat at any point: their ids and
   * fingerprints are those of the write, so the ledger knows them again, also after they ended.
   */
  async relay(tasks: readonly TaskSpec[]): Promise<void> {
    if (tasks.length === 0) return;
    const answers = await this.#submitter.submit(tasks);
    const done = tasks.filter((task, index) => this.#isDone(task, answers[index]));
    if (done.length === 0) return;
    const ids = JSON.stringify(done.map((task) => task.id));
    await this.#db
      .delete(outbox)
      .where(inArray(outbox.id, sql`(SELECT value FROM json_each(${ids}))`));
  }

  /**
   * Relays everything that was left behind, page by page, the oldest first. What can't be relayed (a
   * shard out of reach, a row that makes no sense) is logged and left to the next sweep, and keeps
   * nothing else back. Rejects only when the table can't be read.
   */
  async sweep(): Promise<void> {
    const writtenBefore = this.#clock.now() - SWEEP_AFTER_MS;
    const failures = new Map<number | null, number>();
    let swept = 0;
    let after = "";
    for (let isLast = false; !isLast;) {
      const rows = await this.#page(after, writtenBefore);
      isLast = rows.length < SWEEP_ROWS;
      after = rows.at(-1)?.id ?? after;
      swept += rows.length;
      await Promise.all(
        Array.from(
          Map.groupBy(rows, (row) => shardOf(row.id)),
          ([shard, group]) => this.#sweepShard(shard, group, failures),
        ),
      );
    }
    if (swept > 0) {
      this.#log("outbox_swept", { count: swept, failures: [...failures.values()] });
    }
  }

  #page(after: string, writtenBefore: number): Promise<Row[]> {
    return this.#db
      .select({ id: outbox.id, spec: outbox.spec })
      .from(outbox)
      .where(and(gt(outbox.id, after), lt(outbox.createdAt, writtenBefore)))
      .orderBy(asc(outbox.id))
      .limit(SWEEP_ROWS);
  }

  /** All rows of one shard at once; if that fails, one by one until too many have failed. */
  async #sweepShard(
    shard: number | null,
    rows: readonly Row[],
    failures: Map<number | null, number>,
  ): Promise<void> {
    const failed = () => failures.get(shard) ?? 0;
    if (failed() >= MAX_FAILURES || (failed() === 0 && (await this.#tryRelay(rows)))) return;
    for (const row of rows) {
      if (failed() >= MAX_FAILURES) return;
      if (!(await this.#tryRelay([row]))) failures.set(shard, failed() + 1);
    }
  }

  async #tryRelay(rows: readonly Row[]): Promise<boolean> {
    try {
      await this.relay(rows.map(({ spec }) => JSON.parse(spec) as TaskSpec));
      return true;
    } catch (error) {
      this.#log("outbox_relay_failed", {
        task_id: rows[0]?.id,
        count: rows.length,
        error: error instanceof LovageError ? error.code : String(error),
      });
      return false;
    }
  }

  /** A conflict would be an id that another call has: it can't be mended here, so the row stays, visible. */
  #isDone(task: TaskSpec, answer: SubmitAnswer | undefined): boolean {
    if (answer === "conflict") this.#log("outbox_conflict", { task_id: task.id, name: task.name });
    // One that was merged into another task ended with that: its id answers so.
    return answer === "accepted" || answer === "exists" || typeof answer === "object";
  }
}

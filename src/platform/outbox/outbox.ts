import { asc, eq, inArray, lt, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { BatchItem } from "drizzle-orm/batch";
import type { Clock, Outbox, SubmitAnswer, TaskSpec, TaskSubmitter } from "#engine";
import { outbox } from "./tables.ts";

/** Rows younger than this are left to the relay that the write itself starts. */
const SWEEP_AFTER_MS = 10_000;
const SWEEP_ROWS = 200;

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

  /** One statement. Rows written: one per task. */
  insert(tasks: readonly TaskSpec[]): BatchItem<"sqlite"> {
    const createdAt = this.#clock.now();
    return this.#db
      .insert(outbox)
      .values(tasks.map((task) => ({ id: task.id, spec: JSON.stringify(task), createdAt })));
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

  /** Relays what was left behind, the oldest first, one by one if a whole batch is refused. */
  async sweep(): Promise<void> {
    const rows = await this.#db
      .select({ spec: outbox.spec })
      .from(outbox)
      .where(lt(outbox.createdAt, this.#clock.now() - SWEEP_AFTER_MS))
      .orderBy(asc(outbox.id))
      .limit(SWEEP_ROWS);
    const tasks = rows.map((row) => JSON.parse(row.spec) as TaskSpec);
    if (tasks.length > 0) this.#log("outbox_swept", { count: tasks.length });
    const failures: unknown[] = [];
    for (const task of tasks) {
      await this.relay([task]).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) {
      throw new AggregateError(failures, `${failures.length} tasks could not be relayed.`);
    }
  }

  /** A conflict would be an id that another call has: it can't be mended here, so the row stays, visible. */
  #isDone(task: TaskSpec, answer: SubmitAnswer | undefined): boolean {
    if (answer === "conflict") this.#log("outbox_conflict", { task_id: task.id, name: task.name });
    return answer === "accepted" || answer === "exists";
  }
}

import type { FinishedTask, TaskRecord } from "#engine";
import { noSpans, type Spans } from "../trace/spans.ts";
import { jsonArrays, MAX_PARAMETER_LENGTH } from "../json-parameters.ts";
import type { HistoryPort } from "../ledger/ports.ts";
import { COLUMNS, fromRow, toValues, VALUES, type HistoryRow } from "./rows.ts";
import { NONE_FILLED, type SpareRows } from "./spare-rows.ts";

/**
 * Input: a JSON array of tasks as arrays. Output: none. Effect: one row per task that is not there yet.
 * Safe twice and late: a task that is there stays as it is. Rows written: one per new task, two per dead letter.
 */
const INSERT = `INSERT INTO tasks (${COLUMNS})
  SELECT ${VALUES}
  FROM json_each(?) WHERE true ON CONFLICT (id) DO NOTHING`;

/** The same for one large task: each column a parameter of its own, so nothing is escaped once more. */
const INSERT_ONE = `INSERT INTO tasks (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (id) DO NOTHING`;

/** Input: a JSON array of [label, value, task id]. Safe twice and late. Rows written: one per label. */
const INSERT_LABELS = `INSERT INTO task_labels (label, value, task_id)
  SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?) WHERE true ON CONFLICT DO NOTHING`;

/** Input: a JSON array of [expiry, task id]. Safe twice and late. Rows written: one per result. */
const INSERT_EXPIRING = `INSERT INTO expiring_results (expires_at, task_id)
  SELECT value ->> 0, value ->> 1 FROM json_each(?) WHERE true ON CONFLICT DO NOTHING`;

/** The history of finished tasks in D1. Bulk writes go past the ORM: they are the hottest path there is. */
export class History implements HistoryPort {
  readonly #db: D1Database;
  readonly #spare: SpareRows | null;
  readonly #spans: Spans;
  #rowsWritten = 0;

  /** @param spare rows to be written over; null: every task is a row more */
  constructor(db: D1Database, spans: Spans = noSpans, spare: SpareRows | null = null) {
    this.#db = db;
    this.#spare = spare;
    this.#spans = spans;
  }

  /** Rows that this instance wrote, as D1 bills them. */
  get rowsWritten(): number {
    return this.#rowsWritten;
  }

  write(tasks: readonly FinishedTask[]): Promise<void> {
    return this.#spans(
      "flush",
      () => ({ count: tasks.length }),
      () => this.#write(tasks),
    );
  }

  async #write(tasks: readonly FinishedTask[]): Promise<void> {
    const rows: string[] = [];
    for (const task of tasks) {
      const values = toValues(task);
      const row = JSON.stringify(values);
      if (row.length > MAX_PARAMETER_LENGTH)
        await this.#run(this.#db.prepare(INSERT_ONE).bind(...values));
      else rows.push(row);
    }
    // As few statements as the size of a parameter allows; mostly one.
    for (const { text, count } of jsonArrays(rows)) {
      const { filled, rowsWritten } = (await this.#spare?.fill(text, count)) ?? NONE_FILLED;
      this.#rowsWritten += rowsWritten;
      if (filled < count) await this.#run(this.#db.prepare(INSERT).bind(text));
    }
    // After the tasks: should this fail the flush is repeated, and all are no-ops where they were done.
    await this.#writeRows(INSERT_LABELS, tasks.flatMap(labelsOf));
    await this.#writeRows(INSERT_EXPIRING, tasks.flatMap(expiryOf));
  }

  async #writeRows(statement: string, rows: readonly string[]): Promise<void> {
    for (const { text } of jsonArrays(rows)) {
      await this.#run(this.#db.prepare(statement).bind(text));
    }
  }

  async #run(statement: D1PreparedStatement): Promise<void> {
    const { meta } = await statement.run();
    this.#rowsWritten += meta.rows_written;
  }

  async fingerprints(ids: readonly string[]): Promise<Map<string, string | null>> {
    const { results } = await this.#db
      .prepare(
        "SELECT id, detail ->> 0 AS fingerprint FROM tasks WHERE id IN (SELECT value FROM json_each(?))",
      )
      .bind(JSON.stringify(ids))
      .all<{ id: string; fingerprint: string | null }>();
    return new Map(results.map((row) => [row.id, row.fingerprint]));
  }

  /** Null: no task with this id has finished. */
  async find(taskId: string): Promise<TaskRecord | null> {
    const row = await this.#db
      .prepare("SELECT * FROM tasks WHERE id = ?")
      .bind(taskId)
      .first<HistoryRow>();
    return row === null ? null : fromRow(row);
  }
}

const NONE: readonly string[] = [];

/** Its labels as rows. */
function labelsOf({ id, options: { labels } }: FinishedTask): readonly string[] {
  if (labels === undefined) return NONE;
  return Object.entries(labels).map(([label, value]) => JSON.stringify([label, value, id]));
}

/** When there is a result to be deleted, as a row; none, where there isn't. */
function expiryOf({ id, finishedAt, result, large, options }: FinishedTask): readonly string[] {
  const { result_expires: seconds } = options;
  if (seconds === undefined || (result === null && large === undefined)) return NONE;
  // Of calls before there was a limit it may be Infinity, which is null in JSON: no row of the write would be taken.
  const at = Math.min(Math.round(finishedAt + seconds * 1_000), Number.MAX_SAFE_INTEGER);
  return [JSON.stringify([at, id])];
}

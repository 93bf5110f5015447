import type {
  AttemptRecord,
  ErrorInfo,
  FinishedTask,
  RunOptions,
  TaskRecord,
  TerminalState,
} from "#engine";
import { jsonArrays, MAX_PARAMETER_LENGTH } from "../json-parameters.ts";
import type { HistoryPort } from "../ledger/ports.ts";

const COLUMNS = `id, name, queue, priority, state, owner, kwargs, result, error, options, retries,
    submitted_at, due_at, expires_at, attempts, finished_at, is_dead_lettered, fingerprint`;

/**
 * Input: a JSON array of tasks as arrays. Output: none. Effect: one row per task that is not there yet.
 * Safe twice and late: a task that is there stays as it is. Rows written: one per new task (and one more
 * for a dead letter).
 */
const INSERT = `INSERT INTO tasks (${COLUMNS})
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
    value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13,
    value ->> 14, value ->> 15, value ->> 16, value ->> 17
  FROM json_each(?) WHERE true ON CONFLICT (id) DO NOTHING`;

/** The same for one large task: each column a parameter of its own, so nothing is escaped once more. */
const INSERT_ONE = `INSERT INTO tasks (${COLUMNS}) VALUES (${Array(18).fill("?").join(", ")})
  ON CONFLICT (id) DO NOTHING`;

interface HistoryRow {
  id: string;
  name: string;
  queue: string;
  priority: number;
  state: TerminalState;
  owner: string;
  kwargs: string;
  result: string | null;
  error: string | null;
  options: string;
  retries: number;
  submitted_at: number;
  due_at: number | null;
  expires_at: number | null;
  attempts: string;
  finished_at: number;
  is_dead_lettered: number;
  fingerprint: string | null;
}

/** The history of finished tasks in D1. Bulk writes go past the ORM: they are the hottest path there is. */
export class History implements HistoryPort {
  readonly #db: D1Database;
  #rowsWritten = 0;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** Rows that this instance wrote, as D1 bills them. */
  get rowsWritten(): number {
    return this.#rowsWritten;
  }

  async write(tasks: readonly FinishedTask[]): Promise<void> {
    for (const statement of this.#statements(tasks)) {
      const { meta } = await statement.run();
      this.#rowsWritten += meta.rows_written;
    }
  }

  /** As few statements as the size of a parameter allows; mostly one. */
  *#statements(tasks: readonly FinishedTask[]): Generator<D1PreparedStatement> {
    const rows: string[] = [];
    for (const task of tasks) {
      const values = toValues(task);
      const row = JSON.stringify(values);
      if (row.length > MAX_PARAMETER_LENGTH) yield this.#db.prepare(INSERT_ONE).bind(...values);
      else rows.push(row);
    }
    for (const { text } of jsonArrays(rows)) yield this.#db.prepare(INSERT).bind(text);
  }

  async fingerprints(ids: readonly string[]): Promise<Map<string, string | null>> {
    const { results } = await this.#db
      .prepare("SELECT id, fingerprint FROM tasks WHERE id IN (SELECT value FROM json_each(?))")
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

/** In the column order of COLUMNS. */
function toValues(task: FinishedTask) {
  return [
    task.id,
    task.name,
    task.queue,
    task.priority,
    task.state,
    task.owner,
    task.kwargs,
    task.result,
    task.error === null ? null : JSON.stringify(task.error),
    JSON.stringify(task.options),
    task.retries,
    task.submittedAt,
    task.dueAt,
    task.expiresAt,
    JSON.stringify(task.attempts),
    task.finishedAt,
    task.isDeadLettered ? 1 : 0,
    task.fingerprint,
  ];
}

function fromRow(row: HistoryRow): TaskRecord {
  return {
    id: row.id,
    name: row.name,
    queue: row.queue,
    priority: row.priority,
    state: row.state,
    owner: row.owner,
    kwargs: row.kwargs,
    result: row.result,
    error: row.error === null ? null : (JSON.parse(row.error) as ErrorInfo),
    options: JSON.parse(row.options) as RunOptions,
    retries: row.retries,
    submittedAt: row.submitted_at,
    dueAt: row.due_at,
    expiresAt: row.expires_at,
    attempts: JSON.parse(row.attempts) as AttemptRecord[],
    finishedAt: row.finished_at,
    isDeadLettered: row.is_dead_lettered === 1,
    fingerprint: row.fingerprint,
  };
}

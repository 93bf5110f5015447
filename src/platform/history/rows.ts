import type {
  AttemptRecord,
  ErrorInfo,
  FinishedTask,
  LargeResult,
  RunOptions,
  StepSummary,
  TaskRecord,
  TerminalState,
} from "#engine";

/** The columns that are written with a task. */
export const COLUMNS =
  "id, name, state, queue, owner, finished_at, is_dead_lettered, kwargs, result, detail";

/** The same of a task that is one JSON array, `value`, in the order of `toValues`. */
export const VALUES = COLUMNS.split(", ")
  .map((_column, index) => `value ->> ${index}`)
  .join(", ");

/** What is kept of a task without a column of its own, in this order. */
type Detail = [
  fingerprint: string | null,
  priority: number,
  options: RunOptions,
  retries: number,
  submittedAt: number,
  dueAt: number | null,
  expiresAt: number | null,
  attempts: readonly AttemptRecord[],
  error: ErrorInfo | null,
  steps?: readonly StepSummary[] | null,
  large?: LargeResult,
];

/** A row of `tasks`; see tables.ts. */
export interface HistoryRow {
  id: string;
  name: string;
  state: TerminalState;
  queue: string;
  owner: string;
  finished_at: number;
  is_dead_lettered: number;
  kwargs: string;
  result: string | null;
  detail: string;
  resolution: string | null;
}

/** In the column order of COLUMNS. */
export function toValues(task: FinishedTask) {
  const detail: Detail = [
    task.fingerprint,
    task.priority,
    task.options,
    task.retries,
    task.submittedAt,
    task.dueAt,
    task.expiresAt,
    task.attempts,
    task.error,
  ];
  if (task.steps !== undefined) detail[9] = task.steps;
  if (task.large !== undefined) {
    detail[9] ??= null;
    detail[10] = task.large;
  }
  return [
    task.id,
    task.name,
    task.state,
    task.queue,
    task.owner,
    task.finishedAt,
    task.isDeadLettered ? 1 : 0,
    task.kwargs,
    task.result,
    JSON.stringify(detail),
  ];
}

/** The record of a task as its row has it. */
export function fromRow(row: HistoryRow): TaskRecord {
  const detail = JSON.parse(row.detail) as Detail;
  const [fingerprint, priority, options, retries, submittedAt, dueAt, expiresAt, attempts, error] =
    detail;
  const [, , , , , , , , , steps, large] = detail;
  return {
    id: row.id,
    name: row.name,
    queue: row.queue,
    priority,
    state: row.state,
    owner: row.owner,
    kwargs: row.kwargs,
    result: row.result,
    error,
    options,
    retries,
    submittedAt,
    dueAt,
    expiresAt,
    attempts,
    finishedAt: row.finished_at,
    isDeadLettered: row.is_dead_lettered === 1,
    fingerprint,
    ...(steps != null && { steps }),
    ...(large !== undefined && { large }),
    ...(row.resolution !== null && { resolution: row.resolution }),
  };
}

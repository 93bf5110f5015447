import {
  boundLogs,
  hasPlaces,
  MAX_KEPT_ATTEMPTS,
  type AttemptRecord,
  type ClaimedTask,
  type ErrorInfo,
  type FinishedTask,
  type RunOptions,
  type State,
  type TaskRecord,
  type StepSummary,
  type TerminalState,
  type Waiting,
  type WaitingState,
} from "#engine";
import type { ControlBook } from "./limits/controls.ts";
import type { SqlValue } from "./ports.ts";

/** A row of `tasks`; see schema.ts for its columns. */
export interface TaskRow extends Record<string, SqlValue> {
  readonly parked: number;
  readonly id: string;
  readonly name: string;
  readonly queue: string;
  readonly priority: number;
  readonly owner: string;
  readonly kwargs: string;
  readonly options: string | null;
  readonly fingerprint: string | null;
  readonly submitted_at: number;
  readonly due_at: number;
  readonly expires_at: number | null;
  readonly attempts_made: number;
  readonly retries: number;
  readonly attempts: string | null;
  readonly is_suspect: number;
  readonly solo_losses: number;
  readonly is_revoked: number;
  readonly token: number;
  readonly gate: string;
  readonly is_durable: number;
  readonly suspension: string | null;
  readonly express: string | null;
}

/** The state of a waiting task: tried before, or not. */
export function waitingState(row: Pick<TaskRow, "suspension" | "attempts_made">): WaitingState {
  if (row.suspension !== null) return "SUSPENDED";
  return row.attempts_made === 0 ? "PENDING" : "RETRY";
}

/** With the time limits that operators have set; a call's own come first. */
export function toClaimed(row: TaskRow, controls: ControlBook): ClaimedTask {
  const limits = controls.current.timeLimits[row.name];
  const isPlaced = row.gate !== "" && hasPlaces(row.gate, controls.limitsOf(row.name));
  const { link_error: _errbacks, callback: _told, link, tree: _tree, ...options } = optionsOf(row);
  const passesOn = link !== undefined || options.canvas !== undefined;
  return {
    id: row.id,
    name: row.name,
    kwargs: row.kwargs,
    owner: row.owner,
    options: {
      ...(limits?.soft != null && { soft_time_limit: limits.soft }),
      ...(limits?.hard != null && { time_limit: limits.hard }),
      ...options,
    },
    attempt: row.attempts_made + 1,
    retries: row.retries,
    ...(row.is_durable === 1 && { isDurable: true }),
    ...((isPlaced || options.canvas?.awaited === true) && { isAwaited: true }),
    ...(passesOn && { passesOn }),
  };
}

/** A live task as readers see it. `startedAt`: when its lease was granted; null while it waits. */
export function toRecord(row: TaskRow, startedAt: number | null): TaskRecord {
  if (startedAt === null) return record(row, waitingState(row), attemptsOf(row), null, null);
  const attempt = row.attempts_made + 1;
  const running = { attempt, startedAt, finishedAt: null, outcome: null, error: null };
  return record(row, "STARTED", appended(row, running), null, null);
}

/** A task that just ended, with its last attempt (null when it ended without one running). */
export function toFinished(
  row: TaskRow,
  end: {
    readonly state: TerminalState;
    readonly at: number;
    readonly result: string | null;
    readonly error: ErrorInfo | null;
    readonly attempt: AttemptRecord | null;
    readonly steps: readonly StepSummary[] | null;
    /** False: that it failed is another's doing. */
    readonly isOwn?: boolean;
  },
): FinishedTask {
  const attempts = end.attempt === null ? attemptsOf(row) : appended(row, end.attempt);
  return {
    ...record(row, end.state, attempts, end.result, end.error),
    state: end.state,
    finishedAt: end.at,
    isDeadLettered: end.state === "FAILURE" && end.isOwn !== false,
    ...(end.steps !== null && { steps: end.steps }),
  };
}

/** The attempts of a row and one more, the oldest dropped beyond MAX_KEPT_ATTEMPTS. */
export function appended(row: TaskRow, attempt: AttemptRecord): AttemptRecord[] {
  return boundLogs([...attemptsOf(row), attempt].slice(-MAX_KEPT_ATTEMPTS));
}

function record(
  row: TaskRow,
  state: State,
  attempts: AttemptRecord[],
  result: string | null,
  error: ErrorInfo | null,
): TaskRecord {
  return {
    id: row.id,
    name: row.name,
    queue: row.queue,
    priority: row.priority,
    state,
    owner: row.owner,
    kwargs: row.kwargs,
    result,
    // A success has none, whatever its earlier attempts met; those keep theirs.
    error: state === "SUCCESS" || state === "IGNORED" ? null : (error ?? lastErrorOf(attempts)),
    options: optionsOf(row),
    retries: row.retries,
    submittedAt: row.submitted_at,
    dueAt: row.due_at > row.submitted_at && row.suspension === null ? row.due_at : null,
    expiresAt: row.expires_at,
    attempts,
    finishedAt: null,
    isDeadLettered: false,
    fingerprint: row.fingerprint,
  };
}

function lastErrorOf(attempts: readonly AttemptRecord[]): ErrorInfo | null {
  return attempts.findLast((attempt) => attempt.error !== null)?.error ?? null;
}

function attemptsOf(row: TaskRow): AttemptRecord[] {
  return row.attempts === null ? [] : (JSON.parse(row.attempts) as AttemptRecord[]);
}

export function optionsOf(row: TaskRow): RunOptions {
  return row.options === null ? {} : (JSON.parse(row.options) as RunOptions);
}

/** What a task waits for in the middle of its steps; null: it doesn't. */
export function suspensionOf(row: TaskRow): Suspension | null {
  return row.suspension === null ? null : (JSON.parse(row.suspension) as Suspension);
}

/** What a suspended task waits for: kept with its row. */
export interface Suspension {
  readonly waiting: Extract<Waiting, { reason: "sleep" | "step_retry" | "event" | "members" }>;
  /** Events that wake it. */
  readonly events: readonly string[];
  /** Of a canvas: why nothing of it starts any more; absent: it goes on. */
  readonly stop?: ErrorInfo;
}

/** Whether a row stands for a canvas: nobody claims it, it ends with its members. */
export function isHeld(row: TaskRow): boolean {
  return row.suspension !== null && suspensionOf(row)?.waiting.reason === "members";
}

import {
  WORKER_NAME,
  type AttemptRecord,
  type FinishedTask,
  type MonitorEvent,
  type MonitorEventType,
  type ReportedState,
  type RunOptions,
  type TaskRecord,
  type TerminalState,
} from "#engine";
import { optionsOf, waitingState, type TaskRow } from "../rows.ts";

/** Characters of an exception in an event: who wants all of it reads the task. */
const MAX_EXCEPTION_LENGTH = 300;

const END_EVENTS: Readonly<Record<TerminalState, MonitorEventType>> = {
  SUCCESS: "task-succeeded",
  IGNORED: "task-succeeded",
  FAILURE: "task-failed",
  REVOKED: "task-revoked",
};

type AttemptPart = Pick<MonitorEvent, "runtime" | "exception">;

/** What every kind of record of a task has that an event tells. */
type Told = Pick<TaskRecord, "id" | "name" | "queue" | "retries" | "owner">;

/**
 * What one transaction does to tasks, in its order, for those who watch all of them. Made only while somebody
 * does, and told only once it is committed. What there is no room for is only counted: so it costs little while
 * much happens.
 */
export class Happenings {
  readonly events: MonitorEvent[] = [];
  readonly #now: number;
  readonly #room: number;
  #missed = 0;

  constructor(now: number, room: number) {
    this.#now = now;
    this.#room = room;
  }

  get missed(): number {
    return this.#missed;
  }

  sent(row: TaskRow): void {
    if (this.#hasRoom()) this.#add("task-sent", row, waitingState(row), optionsOf(row));
  }

  started(row: TaskRow): void {
    if (this.#hasRoom()) this.#add("task-started", row, "STARTED", optionsOf(row));
  }

  /** An attempt ended and its task did not. */
  returned(row: TaskRow, attempt: AttemptRecord): void {
    if (!this.#hasRoom()) return;
    const options = optionsOf(row);
    const more = ofAttempt(attempt);
    if (attempt.outcome === "suspended") this.#add("task-custom", row, "SUSPENDED", options, more);
    else if (attempt.outcome === "lost") this.#add("task-rejected", row, "RETRY", options, more);
    else {
      const retries = row.retries + 1;
      this.#add("task-retried", { ...row, retries }, "RETRY", options, more);
    }
  }

  ended(task: FinishedTask): void {
    if (!this.#hasRoom()) return;
    // Those that never ran have no attempt that ended now.
    const last = task.attempts.at(-1);
    const { runtime } = last?.finishedAt === task.finishedAt ? ofAttempt(last) : {};
    const { error } = task;
    this.#add(END_EVENTS[task.state], task, task.state, task.options, {
      ...(runtime !== undefined && { runtime }),
      ...(error !== null && { exception: exceptionOf(error) }),
    });
  }

  /** A running attempt gave its task a state of its own. */
  reported(task: TaskRecord, { state }: ReportedState): void {
    if (this.#hasRoom()) this.#add("task-custom", task, state, task.options);
  }

  #hasRoom(): boolean {
    if (this.events.length < this.#room) return true;
    this.#missed += 1;
    return false;
  }

  #add(
    type: MonitorEventType,
    { id, name, queue, retries, owner }: Told,
    state: string,
    { canvas }: RunOptions,
    more: AttemptPart = {},
  ): void {
    const timestamp = this.#now / 1_000;
    const hostname = WORKER_NAME;
    const root_id = canvas?.id ?? id;
    this.events.push({
      ...{ type, uuid: id, timestamp, hostname, name, queue, state, retries, owner, root_id },
      ...more,
    });
  }
}

function ofAttempt({ startedAt, finishedAt, error }: AttemptRecord): AttemptPart {
  return {
    ...(finishedAt !== null && { runtime: (finishedAt - startedAt) / 1_000 }),
    ...(error !== null && { exception: exceptionOf(error) }),
  };
}

function exceptionOf({ exc_type: type, exc_message: message }: NonNullable<TaskRecord["error"]>) {
  const text = `${type}: ${message}`;
  return text.length <= MAX_EXCEPTION_LENGTH ? text : `${text.slice(0, MAX_EXCEPTION_LENGTH)}…`;
}

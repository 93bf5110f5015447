import type * as z from "zod";
import {
  EXCEPTION_STATES,
  nameOfPlan,
  redacted,
  traceIdOf,
  type Callback,
  type EndCallback,
  type RunOptions,
  type StepSummary,
  type TaskRecord,
  type Waiting,
} from "#engine";
import { may, type Caller } from "../callers/access.ts";
import type {
  statusAnswer,
  stepAnswer,
  taskAnswer,
  toldAnswer,
  waitingAnswer,
} from "./task-answers.ts";

export function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

/** Whether the time is over for which the result may be read. */
export function isResultExpired({ finishedAt, options }: TaskRecord, now: number): boolean {
  const seconds = options.result_expires;
  return seconds !== undefined && finishedAt !== null && now >= finishedAt + seconds * 1_000;
}

/** Null: it has none, or it is not to be read any more. */
export function resultOf(task: TaskRecord, now: number): unknown {
  if (task.result === null || isResultExpired(task, now)) return null;
  return JSON.parse(task.result) as unknown;
}

/** Where a result is that is not in the answer; or that it isn't anywhere any more. */
export function elsewhere(task: TaskRecord, now: number) {
  if (isResultExpired(task, now)) return { result_expired: true };
  if (task.options.joined === true) return { result_url: `/api/tasks/${task.id}/result/` };
  if (task.large === undefined) return {};
  return { result_size: task.large.bytes, result_url: `/api/tasks/${task.id}/result/` };
}

/** The details of the state that a running task gave itself. */
function metaOf({ reported }: TaskRecord): unknown {
  return reported?.meta == null ? null : (JSON.parse(reported.meta) as unknown);
}

/**
 * The guides' short form. As in Celery the result of a task that failed, or that waits for its next try, is
 * its error, and that of one with a state of its own the details of that.
 */
export function statusView(task: TaskRecord, now: number): z.output<typeof statusAnswer> {
  const { error } = task;
  const result =
    EXCEPTION_STATES.has(task.state) && error !== null
      ? { exc_type: error.exc_type, exc_message: error.exc_message }
      : task.reported === undefined
        ? resultOf(task, now)
        : metaOf(task);
  const status = task.reported?.state ?? task.state;
  return { task_id: task.id, status, result, ...elsewhere(task, now) };
}

/** Everything known about a task. Stacks are for those who operate the deployment. */
export function taskView(
  task: TaskRecord,
  caller: Caller,
  now: number,
): z.output<typeof taskAnswer> {
  const { error } = task;
  const seesStacks = may(caller, "control");
  return {
    task_id: task.id,
    trace_id: traceIdOf(task),
    name: task.name,
    state: task.reported?.state ?? task.state,
    queue: task.queue,
    priority: task.priority,
    args: [],
    kwargs: redacted(task.kwargs),
    options: optionsView(task.options),
    result: resultOf(task, now),
    ...elsewhere(task, now),
    meta: metaOf(task),
    error: error && { exc_type: error.exc_type, exc_message: error.exc_message },
    traceback: seesStacks ? (error?.traceback ?? null) : null,
    retries: task.retries,
    attempts: task.attempts.map((attempt) => ({
      attempt: attempt.attempt,
      started_at: iso(attempt.startedAt),
      finished_at: iso(attempt.finishedAt),
      outcome: attempt.outcome,
      error: attempt.error && {
        exc_type: attempt.error.exc_type,
        exc_message: attempt.error.exc_message,
        ...(seesStacks && { traceback: attempt.error.traceback }),
      },
      ...(attempt.logs && {
        logs: attempt.logs.map(({ at, level, message, fields }) => ({
          at: iso(at),
          level,
          message,
          ...(fields !== undefined && { fields: JSON.parse(fields) as unknown }),
        })),
      }),
    })),
    ...(task.steps && { steps: task.steps.map(stepView) }),
    submitted_at: iso(task.submittedAt),
    eta: iso(task.dueAt),
    expires: iso(task.expiresAt),
    finished_at: iso(task.finishedAt),
    dead_lettered: task.isDeadLettered,
    resolution: task.resolution ?? null,
    waiting: task.waiting === undefined ? null : waitingView(task.waiting, caller),
  };
}

function stepView(step: StepSummary): z.output<typeof stepAnswer> {
  const { kind, name, state, tries, until, error, startedAt, finishedAt } = step;
  return {
    kind,
    name,
    state,
    tries,
    until: iso(until),
    error: error && { exc_type: error.exc_type, exc_message: error.exc_message },
    started_at: iso(startedAt),
    finished_at: iso(finishedAt),
  };
}

/** Why a task has not started. Who holds the places is for those who operate the deployment. */
function waitingView(waiting: Waiting, caller: Caller): z.output<typeof waitingAnswer> {
  switch (waiting.reason) {
    case "sleep":
    case "step_retry":
    case "event":
    case "eta":
    case "rate_limit":
      return { ...waiting, until: iso(waiting.until) };
    case "concurrency": {
      const { holders, ...rest } = waiting;
      return may(caller, "control") ? waiting : { ...rest, holders: holders.length };
    }
    case "paused":
    case "shutdown":
    case "history_behind":
    case "suspect":
    case "backlog":
    case "members":
      return waiting;
  }
}

/** The call's options as they were given; of callbacks, which tasks they will be. */
function optionsView(options: RunOptions): z.output<typeof taskAnswer>["options"] {
  const { link, link_error: errbacks, callback, canvas, ...all } = options;
  // Only the ledger needs these.
  const { unique_key: _key, tells_end: _tells, tree: _tree, joined: _joined, ...rest } = all;
  const { base: _base, input: _input, trace: _trace, ...told } = rest;
  return {
    ...told,
    ...(link !== undefined && { link: link.map(callbackView) }),
    ...(errbacks !== undefined && { link_error: errbacks.map(callbackView) }),
    ...(callback !== undefined && { callback: toldView(callback) }),
    ...(canvas !== undefined && { canvas_id: canvas.id }),
  };
}

/** Who is told of an end, and the task that tells them. Paths and queries of such URLs are often secrets. */
export function toldView({ host, id }: EndCallback): z.output<typeof toldAnswer> {
  return { host, task_id: id };
}

function callbackView({ id, plan }: Callback) {
  return { task: nameOfPlan(plan), task_id: id };
}

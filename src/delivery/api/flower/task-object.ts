import {
  redacted,
  WORKER_NAME,
  type AttemptRecord,
  type ErrorInfo,
  type TaskRecord,
} from "#engine";
import { may, type Caller } from "../callers/access.ts";
import { iso, isResultExpired } from "../tasks/task-views.ts";

/**
 * A task as Flower shows it, its keys in Flower's order but for `worker`. Times are seconds since 1970.
 * `args`, `kwargs` and `result` are JSON texts where Flower has Python's, and never cut.
 */
function fieldsOf(task: TaskRecord, caller: Caller, now: number) {
  const { state, error, options } = task;
  const finished = secondsOf(task.finishedAt);
  const received = secondsOf(task.submittedAt);
  const last = task.attempts.at(-1);
  const latest = Math.max(task.submittedAt, last?.startedAt ?? 0, last?.finishedAt ?? 0);
  const root = options.canvas?.id ?? task.id;
  return {
    before: {
      uuid: task.id,
      name: task.name,
      state: task.reported?.state ?? state,
      received,
      sent: received,
      started: secondsOf(last?.startedAt),
      rejected: endOf(task.attempts, "lost"),
      succeeded: state === "SUCCESS" ? finished : null,
      failed: state === "FAILURE" ? finished : null,
      retried: endOf(task.attempts, "retry"),
      revoked: state === "REVOKED" ? finished : null,
      // Positional arguments are bound to their names when a task is called.
      args: "[]",
      kwargs: JSON.stringify(redacted(task.kwargs)),
      eta: iso(task.dueAt),
      expires: iso(task.expiresAt),
      retries: task.retries,
    },
    after: {
      result: isResultExpired(task, now) ? null : task.result,
      exception: error && exceptionOf(error),
      timestamp: finished ?? latest / 1_000,
      runtime: runtimeOf(task),
      traceback: may(caller, "control") ? (error?.traceback ?? null) : null,
      exchange: "",
      routing_key: task.queue,
      clock: null,
      client: task.owner,
      root,
      root_id: root,
      parent: options.canvas?.id ?? null,
      parent_id: options.canvas?.id ?? null,
      children: childrenOf(task),
    },
  };
}

/** As `GET /api/task/info` has it. */
export function taskInfo(task: TaskRecord, caller: Caller, now: number) {
  const { before, after } = fieldsOf(task, caller, now);
  return { ...before, worker: WORKER_NAME, ...after };
}

/** As `GET /api/tasks` has it. */
export function listedTask(task: TaskRecord, caller: Caller, now: number) {
  const { before, after } = fieldsOf(task, caller, now);
  return { ...before, ...after, worker: WORKER_NAME };
}

/** An error as Python shows it: `ValueError('boom')`. */
export function exceptionOf({ exc_type: type, exc_message: message }: ErrorInfo): string {
  const quote = message.includes("'") && !message.includes('"') ? '"' : "'";
  const escaped = message
    .replaceAll("\\", "\\\\")
    .replaceAll("\n", String.raw`\n`)
    .replaceAll("\r", String.raw`\r`)
    .replaceAll("\t", String.raw`\t`)
    .replaceAll(quote, `\\${quote}`);
  return `${type}(${quote}${escaped}${quote})`;
}

function secondsOf(ms: number | null | undefined): number | null {
  return ms == null ? null : ms / 1_000;
}

/** When the last attempt that ended in this way did. */
function endOf(attempts: readonly AttemptRecord[], outcome: AttemptRecord["outcome"]) {
  return secondsOf(attempts.findLast((attempt) => attempt.outcome === outcome)?.finishedAt);
}

/** Of the attempt that a task succeeded with. */
function runtimeOf({ state, attempts }: TaskRecord): number | null {
  const last = attempts.at(-1);
  if (state !== "SUCCESS" || last === undefined || last.finishedAt === null) return null;
  return (last.finishedAt - last.startedAt) / 1_000;
}

/** What was started because it ended. */
function childrenOf({ state, options }: TaskRecord): string[] {
  const { link = [], link_error: errbacks = [] } = options;
  if (state === "SUCCESS") return link.map(({ id }) => id);
  return state === "FAILURE" || state === "REVOKED" ? errbacks.map(({ id }) => id) : [];
}

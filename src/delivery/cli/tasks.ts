import type { Deployment } from "./deployment.ts";
import { CommandError, EXIT } from "./failures.ts";
import type { Output } from "./output.ts";
import { printable } from "./text.ts";

/** A task as the API shows it, as far as the commands look. */
export interface Task {
  readonly task_id: string;
  readonly name: string;
  readonly state: string;
  readonly queue: string;
  readonly priority: number;
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly options: Readonly<Record<string, unknown>>;
  readonly result: unknown;
  readonly result_url?: string;
  readonly result_expired?: boolean;
  readonly meta: unknown;
  readonly error: { readonly exc_type: string; readonly exc_message: string } | null;
  readonly traceback: string | null;
  readonly retries: number;
  readonly attempts: readonly Attempt[];
  readonly submitted_at: string;
  readonly eta: string | null;
  readonly expires: string | null;
  readonly finished_at: string | null;
  readonly dead_lettered: boolean;
  readonly resolution: string | null;
  readonly waiting: Readonly<{ reason: string } & Record<string, unknown>> | null;
}

export interface Attempt {
  readonly attempt: number;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly outcome: string | null;
  readonly error: { readonly exc_type: string; readonly exc_message: string } | null;
  readonly logs?: readonly {
    readonly at: string;
    readonly level: string;
    readonly message: string;
  }[];
}

const ENDED = new Set(["SUCCESS", "FAILURE", "REVOKED", "IGNORED"]);
/** How long one request waits for an end; shorter where somebody looks on. */
const WAIT_SECONDS = 20;
const LOOK_SECONDS = 1;

function hasEnded({ state }: Pick<Task, "state">): boolean {
  return ENDED.has(state);
}

export function taskPath(id: string): string {
  return `/api/tasks/${encodeURIComponent(id)}/`;
}

/** @throws CommandError when there is none, or it is somebody else's */
export async function getTask(deployment: Deployment, id: string): Promise<Task> {
  return found(await deployment.find<Task>(taskPath(id)), id);
}

/** How somebody waits for a task. */
export interface Waiting {
  /** Null: as long as it takes. */
  readonly timeoutSeconds: number | null;
  /** Told of the task about every second, where it is given. */
  readonly onLook?: (task: Task) => void;
  readonly now: () => number;
}

/**
 * The task when it has ended.
 * @throws CommandError with `EXIT.unfinished` when the time is over; the task goes on
 */
export async function awaitTask(
  deployment: Deployment,
  id: string,
  { timeoutSeconds, onLook, now }: Waiting,
): Promise<Task> {
  const until = timeoutSeconds === null ? Infinity : now() + timeoutSeconds * 1_000;
  for (;;) {
    const left = Math.max(0, until - now()) / 1_000;
    const wait = Math.min(left, onLook === undefined ? WAIT_SECONDS : LOOK_SECONDS);
    const request = { query: { wait: wait.toFixed(3) }, timeoutMs: (wait + 15) * 1_000 };
    const task = found(await deployment.find<Task>(taskPath(id), request), id);
    onLook?.(task);
    if (hasEnded(task)) return task;
    if (now() >= until) {
      throw new CommandError(
        `Task ${id} is ${task.state} after ${String(timeoutSeconds)} s; it goes on.`,
        EXIT.unfinished,
      );
    }
  }
}

function found(task: Task | null, id: string): Task {
  if (task !== null) return task;
  throw new CommandError(`There is no task ${printable(id)}, or it isn't yours.`, EXIT.failed);
}

/** `ValueError: boom` */
export function errorOf({ error }: Pick<Task, "error">): string {
  return error === null ? "" : `${error.exc_type}: ${error.exc_message}`;
}

/**
 * Shows what came of a task that has ended, as `celery result` does: the result alone.
 * @throws CommandError when it did not succeed
 */
export async function sayResult(deployment: Deployment, output: Output, task: Task): Promise<void> {
  if (task.state !== "SUCCESS") {
    if (output.isJson) output.answer(task, () => undefined);
    throw new CommandError(
      `Task ${task.task_id} is ${task.state}. ${printable(errorOf(task))}`.trim(),
      EXIT.failed,
    );
  }
  if (task.result_expired === true) {
    throw new CommandError(`The result of ${task.task_id} is not kept any longer.`, EXIT.failed);
  }
  const result =
    task.result_url === undefined ? task.result : await deployment.get(task.result_url);
  output.answer({ ...task, result }, () => {
    output.raw(typeof result === "string" ? result : JSON.stringify(result));
  });
}

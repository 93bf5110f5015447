import { isLargerThan, type TaskRecord, type TerminalState } from "#engine";

/** JSON text of a result that is told; of a larger one only where it is. */
const MAX_RESULT_BYTES = 64 * 1_024;

const WORDS: Readonly<Record<TerminalState, string>> = {
  SUCCESS: "succeeded",
  FAILURE: "failed",
  REVOKED: "revoked",
  IGNORED: "ignored",
};

/** A task that has ended. */
export type EndedTask = TaskRecord & {
  readonly state: TerminalState;
  readonly finishedAt: number;
};

/**
 * What is said of an end, as JSON text: what its owner reads of it, without arguments and stacks. The same
 * for every try, unless the time is over for which the result may be read.
 * @param publicUrl where a result is that is not in it
 */
export function callbackBody(task: EndedTask, publicUrl: string, now: number): string {
  const { id, options, error, attempts } = task;
  // A task that was replaced with a canvas is a task to who called it.
  const isCanvas = options.tree !== undefined && options.base === undefined;
  const what = isCanvas ? "canvas" : "task";
  return JSON.stringify({
    type: `${what}.${WORDS[task.state]}`,
    timestamp: iso(task.finishedAt),
    data: {
      [`${what}_id`]: id,
      name: task.name,
      status: task.state,
      ...resultOf(task, publicUrl, now),
      error: error && { exc_type: error.exc_type, exc_message: error.exc_message },
      retries: task.retries,
      labels: options.labels ?? {},
      submitted_at: iso(task.submittedAt),
      started_at: iso(attempts.at(-1)?.startedAt ?? null),
      finished_at: iso(task.finishedAt),
    },
  });
}

function resultOf(task: EndedTask, publicUrl: string, now: number) {
  const { result_expires: seconds, joined } = task.options;
  if (seconds !== undefined && now >= task.finishedAt + seconds * 1_000) {
    return { result: null, result_expired: true };
  }
  const { result, large } = task;
  const isTold = result === null || !isLargerThan(result, MAX_RESULT_BYTES);
  if (isTold && large === undefined && joined !== true) {
    return { result: result === null ? null : (JSON.parse(result) as unknown) };
  }
  return { result: null, result_url: `${publicUrl}/api/tasks/${task.id}/result/` };
}

function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

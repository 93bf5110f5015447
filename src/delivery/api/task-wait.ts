import { isTerminal, type TaskRecord } from "#engine";
import { sees, type Caller } from "./access.ts";
import { invalid, notFound } from "./problems.ts";
import type { ApiParts } from "./route.ts";

const MAX_WAIT_SECONDS = 60;

/**
 * The task when it has ended, or as it is when the time is up; null if nobody waits, or there is no such task.
 * @param wait the request's parameter: seconds
 * @throws Problem 404 for a task that is not the caller's
 */
export async function awaited(
  parts: Pick<ApiParts, "tasks">,
  taskId: string,
  caller: Caller,
  wait: string | null,
): Promise<TaskRecord | null> {
  const seconds = secondsOf(wait);
  if (seconds === 0) return null;
  let last: TaskRecord | null = null;
  for await (const task of parts.tasks.watch(taskId, AbortSignal.timeout(seconds * 1_000))) {
    if (!sees(caller, task.owner)) throw notFound();
    last = task;
    if (isTerminal(task.state)) break;
  }
  return last;
}

function secondsOf(wait: string | null): number {
  if (wait === null) return 0;
  const seconds = Number(wait);
  if (wait.trim() === "" || !(seconds >= 0 && seconds <= MAX_WAIT_SECONDS)) {
    throw invalid([
      { field: "wait", message: `Must be a number of seconds from 0 to ${MAX_WAIT_SECONDS}.` },
    ]);
  }
  return seconds;
}

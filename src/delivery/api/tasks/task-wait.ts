import { isTerminal, type TaskReader, type TaskRecord } from "#engine";
import { sees, type Caller } from "../callers/access.ts";
import { notFound } from "../http/problems.ts";
import type { ApiParts } from "../route.ts";

/** The longest that a request may wait. */
export const MAX_WAIT_SECONDS = 60;

/**
 * The task when it has ended, or as it is when the time is up; null if nobody waits, or there is no such task.
 * @param seconds for which to wait; 0: nobody does
 * @throws Problem 404 for a task that is not the caller's
 */
export async function awaited(
  parts: { readonly tasks: TaskReader },
  taskId: string,
  caller: Caller,
  seconds: number,
): Promise<TaskRecord | null> {
  if (seconds === 0) return null;
  let last: TaskRecord | null = null;
  for await (const task of parts.tasks.watch(taskId, AbortSignal.timeout(seconds * 1_000))) {
    if (!sees(caller, task.owner)) throw notFound();
    last = task;
    if (isTerminal(task.state)) break;
  }
  return last;
}

/**
 * What somebody waits for after a call that was accepted; null when waiting fails, which the log says. A problem
 * would say that the call did, and who repeats that makes a second task.
 */
export async function afterCall(
  { log }: Pick<ApiParts, "log">,
  taskId: string,
  waiting: Promise<TaskRecord | null>,
): Promise<TaskRecord | null> {
  try {
    return await waiting;
  } catch (error) {
    log("wait_failed", { task_id: taskId, error });
    return null;
  }
}

import { isTerminal, type TaskReader, type TaskRecord } from "#engine";
import { sees, type Caller } from "../access.ts";

/** Longer nobody waits in one request. */
const MAX_WAIT_SECONDS = 60;

/**
 * The task when it has ended, or as it is when the time is up; null: it is unknown, or not the caller's.
 * @param seconds 0: as it is now
 */
export async function ended(
  tasks: TaskReader,
  taskId: string,
  caller: Caller,
  seconds: number,
): Promise<TaskRecord | null> {
  let last = await tasks.get(taskId);
  if (last === null || !sees(caller, last.owner)) return null;
  if (seconds === 0 || isTerminal(last.state)) return last;
  const time = AbortSignal.timeout(Math.min(seconds, MAX_WAIT_SECONDS) * 1_000);
  for await (const task of tasks.watch(taskId, time)) {
    last = task;
    if (isTerminal(task.state)) break;
  }
  return last;
}

import { isTerminal, type TaskReader, type TaskRecord } from "#engine";
import { sees, type Caller } from "../callers/access.ts";
import { awaited, MAX_WAIT_SECONDS } from "../tasks/task-wait.ts";

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
  const task = await tasks.get(taskId);
  if (task === null || !sees(caller, task.owner)) return null;
  if (isTerminal(task.state)) return task;
  return (await awaited({ tasks }, taskId, caller, Math.min(seconds, MAX_WAIT_SECONDS))) ?? task;
}

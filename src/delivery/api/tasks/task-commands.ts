import {
  isLargerThan,
  isTerminal,
  MAX_STEP_BYTES,
  type CallOptions,
  type Rescheduled,
  type TaskRecord,
} from "#engine";
import { commands, may, sees, type Caller } from "../callers/access.ts";
import { conflict, invalid, notFound, Problem } from "../http/problems.ts";
import type { ApiParts } from "../route.ts";
import { replayCheck } from "./task-calls.ts";

type Parts = Pick<ApiParts, "tasks" | "lovageFor" | "deadLetters">;

/** @throws Problem 404 for a task that is unknown or not the caller's to see */
export async function visibleTask(
  { tasks }: Pick<Parts, "tasks">,
  taskId: string,
  caller: Caller,
): Promise<TaskRecord> {
  const task = await tasks.get(taskId);
  if (task === null || !sees(caller, task.owner)) throw notFound();
  return task;
}

/** @throws Problem 404 as `visibleTask`; 403 for a task that the caller may only see */
async function commandedTask(parts: Parts, taskId: string, caller: Caller): Promise<TaskRecord> {
  const task = await visibleTask(parts, taskId, caller);
  if (commands(caller, task.owner)) return task;
  throw new Problem(403, "forbidden", "To change others' tasks needs the scope control.");
}

/** @throws Problem as `commandedTask`; 403 for who may not terminate */
export async function revokeTask(
  parts: Parts,
  caller: Caller,
  { id: taskId, terminate }: { readonly id: string; readonly terminate: boolean },
): Promise<TaskRecord> {
  const { id } = await commandedTask(parts, taskId, caller);
  if (terminate && !may(caller, "control")) {
    throw new Problem(403, "forbidden", "To terminate a task needs the scope control.");
  }
  const task = await parts.tasks.revoke(id, { terminate });
  if (task === null) throw notFound();
  return task;
}

/** @throws Problem as `commandedTask`; 409 for one that doesn't wait, 422 for what makes no sense */
export async function rescheduleTask(
  parts: Parts,
  caller: Caller,
  {
    id: taskId,
    ...options
  }: { readonly id: string } & Pick<CallOptions, "eta" | "countdown" | "priority" | "queue">,
): Promise<TaskRecord> {
  const { id } = await commandedTask(parts, taskId, caller);
  const change = parts.lovageFor(caller.owner).rescheduling(options);
  const changed = await parts.tasks.reschedule(id, change);
  if (changed === null) throw notFound();
  refuseMove(changed.answer);
  return changed.task;
}

/**
 * @param key the same is the same delivery; null: it is one of its own
 * @throws Problem as `commandedTask`; 409 for a task that takes no more, 422 for what is no event
 */
export async function sendTaskEvent(
  parts: Parts,
  caller: Caller,
  event: {
    readonly id: string;
    readonly name: string;
    readonly payload: unknown;
    readonly key: string | null;
  },
): Promise<{ readonly id: string; readonly isDuplicate: boolean }> {
  const { name, key } = event;
  if (!/^[^\n\0]{1,100}$/.test(name)) {
    throw invalid([{ field: "name", message: "An event's name has 1 to 100 characters." }]);
  }
  const payload = JSON.stringify(event.payload);
  if (isLargerThan(payload, MAX_STEP_BYTES)) {
    const message = `May have ${MAX_STEP_BYTES} bytes of JSON at most.`;
    throw invalid([{ field: "payload", message }]);
  }
  const { id } = await commandedTask(parts, event.id, caller);
  const answer = await parts.tasks.sendEvent(id, { name, payload, key });
  if (answer === "ended") throw conflict("task_ended", "The task has ended.");
  if (answer === "too_many") {
    throw conflict("too_many_events", "Too many events wait to be taken by this task.");
  }
  return { id, isDuplicate: answer === "exists" };
}

/**
 * Runs a task that has ended once more, as a new one of the same owner; a dead letter is dealt with by it. Twice
 * is once: the new id belongs to the old.
 * @param kwargs instead of the old arguments; null: the same
 * @returns the new task's id
 * @throws Problem as `commandedTask`; 403 for what the caller may not call, 409 for one that has not ended, or
 *   was replayed with other arguments; InvalidArgumentsError, UnknownTaskError as for a call
 */
export async function replayTask(
  parts: Parts,
  caller: Caller,
  {
    id,
    kwargs,
  }: { readonly id: string; readonly kwargs: Readonly<Record<string, unknown>> | null },
): Promise<string> {
  const task = await commandedTask(parts, id, caller);
  if (!isTerminal(task.state)) throw conflict("task_live", "The task has not ended yet.");
  if (task.options.tree !== undefined) {
    throw conflict("is_canvas", "A canvas can't be replayed: replay its tasks.");
  }
  const isOpen = task.isDeadLettered && task.resolution === undefined;
  const check = replayCheck(caller, !isOpen || kwargs !== null);
  if (!isOpen) {
    check({
      task: task.name,
      kwargs: kwargs ?? (JSON.parse(task.kwargs) as Record<string, unknown>),
    });
    return replayEnded(parts, task, kwargs);
  }
  const [answer] = await parts.deadLetters.replay([id], kwargs, check);
  if (answer?.status === "failed") throw answer.error;
  if (answer?.status === "replayed") return answer.taskId;
  throw conflict("dead_letter_gone", "It is no dead letter, or not yet: try again soon.");
}

async function replayEnded(
  { lovageFor }: Parts,
  task: TaskRecord,
  kwargs: Readonly<Record<string, unknown>> | null,
): Promise<string> {
  const { taskId, answer } = await lovageFor(task.owner).replay(task, kwargs);
  if (answer === "conflict") {
    throw conflict("replayed_before", `It was replayed with other arguments, as ${taskId}.`);
  }
  if (answer === "busy") {
    throw conflict("request_in_progress", "It is being replayed right now.", {
      "Retry-After": "1",
    });
  }
  return taskId;
}

/** Turns the answers that are no success into problems. */
function refuseMove(answer: Rescheduled["answer"]): void {
  if (answer === "expires") {
    throw invalid([{ field: "eta", message: "Is not before the task expires." }]);
  }
  if (answer === "running") throw conflict("task_running", "The task is running already.");
  if (answer === "ended") throw conflict("task_ended", "The task has ended.");
}

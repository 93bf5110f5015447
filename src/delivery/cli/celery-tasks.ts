import { NODE } from "./reply.ts";
import type { Task } from "./tasks.ts";

/** A task as `celery inspect active` shows it. */
export function requestOf(task: Task) {
  // Not by its state: it may have given itself one, as PROGRESS.
  const last = task.attempts.at(-1);
  const startedAt = last?.finished_at === null ? last.started_at : null;
  return {
    id: task.task_id,
    name: task.name,
    args: task.args,
    kwargs: task.kwargs,
    type: task.name,
    hostname: NODE,
    time_start: startedAt === null ? null : Date.parse(startedAt) / 1_000,
    acknowledged: startedAt !== null,
    delivery_info: {
      exchange: "",
      routing_key: task.queue,
      priority: task.priority,
      redelivered: task.retries > 0,
    },
    worker_pid: null,
  };
}

/** A task as `celery inspect scheduled` shows it. */
export function scheduledOf(task: Task) {
  return { eta: task.eta, priority: task.priority, request: requestOf(task) };
}

import { NODE } from "./reply.ts";
import type { Task } from "./tasks.ts";

/** A task as `celery inspect active` shows it. */
export function requestOf(task: Task) {
  const startedAt = task.attempts.at(-1)?.started_at ?? null;
  const isRunning = task.state === "STARTED" && startedAt !== null;
  return {
    id: task.task_id,
    name: task.name,
    args: task.args,
    kwargs: task.kwargs,
    type: task.name,
    hostname: NODE,
    time_start: isRunning ? Date.parse(startedAt) / 1_000 : null,
    acknowledged: task.state === "STARTED",
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

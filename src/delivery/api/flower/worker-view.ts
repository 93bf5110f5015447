import {
  figuresOf,
  redacted,
  totalFigures,
  WORKER_NAME,
  type FiguresByTask,
  type LiveKind,
  type QueueLength,
  type TaskRecord,
} from "#engine";
import type { ApiParts } from "../route.ts";
import { iso } from "../tasks/task-views.ts";

/** Tasks of each kind that are shown of a worker. */
const MAX_SHOWN = 100;
/** Tasks that a consumer claims at most. */
const PREFETCH_COUNT = 200;

/** The consumers as Flower shows a worker. What a process has and they have not is null, or empty. */
export async function workerView(parts: ApiParts) {
  const { control, figures, registry, conf, queues, shards, clock } = parts;
  const list = (kind: LiveKind) => control.list(kind, MAX_SHOWN);
  const [controls, lengths, total, active, reserved, scheduled, revoked] = await Promise.all([
    control.controls(),
    control.queues(),
    figures.total(),
    list("active"),
    list("reserved"),
    list("scheduled"),
    list("revoked"),
  ]);
  return {
    stats: { total: startsOf(total), ...statsView(controls.version, lengths, shards) },
    active_queues: lengths.filter(({ isPaused }) => !isPaused).map(({ queue }) => queueView(queue)),
    registered: registry.names().toSorted(),
    scheduled: scheduled.map((task) => ({
      eta: iso(task.dueAt),
      priority: task.priority,
      request: requestView(task),
    })),
    active: active.map(requestView),
    reserved: reserved.map(requestView),
    revoked: revoked.map(({ id }) => id),
    conf: { ...conf, queues: [...queues], shards },
    timestamp: clock.now() / 1_000,
  };
}

/** How often each task was begun, as a worker counts those it accepted: of the tasks that have ended. */
function startsOf(total: FiguresByTask): Record<string, number> {
  const byName = Map.groupBy(Object.entries(total), ([key]) => figuresOf(key).name);
  const starts = Array.from(byName, ([name, all]): [string, number] => [
    name,
    totalFigures(all.map(([, each]) => each)).started,
  ]);
  // A chain has none of its own.
  return Object.fromEntries(starts.filter(([, started]) => started > 0));
}

function statsView(version: number, queues: readonly QueueLength[], shards: number) {
  return {
    pid: null,
    clock: String(version),
    uptime: null,
    pool: {
      implementation: "cloudflare:queues",
      "max-concurrency": null,
      processes: [],
      "max-tasks-per-child": "N/A",
      "put-guarded-by-semaphore": false,
      timeouts: [0, 0],
      writes: {},
      running: queues.reduce((sum, { running }) => sum + running, 0),
    },
    broker: { transport: "cloudflare:queues", shards },
    prefetch_count: PREFETCH_COUNT,
    rusage: {},
  };
}

function queueView(name: string) {
  return {
    name,
    exchange: {
      ...{ name: "", type: "direct", arguments: null, durable: true, passive: false },
      ...{ auto_delete: false, delivery_mode: 2 },
    },
    routing_key: name,
    queue_arguments: null,
    binding_arguments: null,
    ...{ durable: true, exclusive: false, auto_delete: false, no_ack: false },
    ...{ alias: null, bindings: [] },
  };
}

/** A task as Celery's `inspect` has it. */
function requestView({ id, name, kwargs, queue, priority, attempts }: TaskRecord) {
  const running = attempts.at(-1);
  const isRunning = running !== undefined && running.finishedAt === null;
  return {
    id,
    name,
    args: [],
    kwargs: redacted(kwargs),
    type: name,
    hostname: WORKER_NAME,
    time_start: isRunning ? running.startedAt / 1_000 : null,
    acknowledged: isRunning,
    delivery_info: { exchange: "", routing_key: queue, priority, redelivered: attempts.length > 1 },
    worker_pid: null,
  };
}

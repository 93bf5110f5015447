import {
  NO_LIMITS,
  parseRate,
  WORKER_NAME,
  type Controls,
  type DeadLetterGroup,
  type MeterReading,
  type QueueLength,
  type Registry,
} from "#engine";
import type { Exposition, Labels } from "./exposition.ts";

/** What waits and runs, and whether anything is consumed. */
export function queueMetrics(
  out: Exposition,
  queues: readonly QueueLength[],
  isShutDown: boolean,
  now: number,
): void {
  const worker = { worker: WORKER_NAME };
  const executing = queues.reduce((total, { running }) => total + running, 0);
  out.add("gauge", "flower_worker_online", "Worker online status", worker, isShutDown ? 0 : 1);
  out.add(
    ...(["gauge", "flower_worker_number_of_currently_executing_tasks"] as const),
    "Number of tasks currently executing at a worker",
    worker,
    executing,
  );
  for (const { queue, waiting, scheduled, running, oldestAt, isPaused } of queues) {
    const gauge = (name: string, help: string, value: number) => {
      out.add("gauge", `lovage_queue_${name}`, help, { queue }, value);
    };
    gauge("waiting", "Tasks that are due and wait", waiting);
    gauge("scheduled", "Tasks that are not due yet", scheduled);
    gauge("running", "Tasks that run", running);
    const age = oldestAt === null ? 0 : Math.max(0, now - oldestAt) / 1_000;
    gauge("oldest_seconds", "How long the oldest due task has waited; 0: none waits", age);
    gauge("paused", "1: nothing is claimed from it", isPaused ? 1 : 0);
  }
}

/** Tasks that failed for good, until somebody replays or discards them. */
export function deadLetterMetrics(
  out: Exposition,
  groups: readonly DeadLetterGroup[],
  now: number,
): void {
  const help = "Tasks that failed for good and that nobody has dealt with";
  const count = groups.reduce((sum, group) => sum + group.count, 0);
  out.add("gauge", "lovage_dead_letters_open", help, {}, count);
  for (const { name: task, excType, count: open } of groups) {
    const each = "Those of one task and error";
    out.add("gauge", "lovage_dead_letters", each, { task, exc_type: excType }, open);
  }
  const oldest = Math.min(now, ...groups.map(({ firstAt }) => firstAt));
  const age = "Age of the oldest of them; 0: there is none";
  out.add("gauge", "lovage_dead_letters_oldest_seconds", age, {}, (now - oldest) / 1_000);
}

/** The limits of tasks as they are now, operators' included. What is not limited is not there. */
export function limitMetrics(
  out: Exposition,
  registry: Registry<never>,
  { rateLimits }: Controls,
  { running }: MeterReading,
): void {
  for (const task of registry.names()) {
    const gauge = (name: string, help: string, value: number | null, labels: Labels = {}) => {
      if (value === null) return;
      out.add("gauge", `lovage_limit_${name}`, help, { task, ...labels }, value);
    };
    const limits = registry.find(task)?.limits ?? NO_LIMITS;
    const set = rateLimits[task];
    const rate = set === undefined ? limits.rate : parseRate("rate_limit", set);
    const perSecond = rate === null ? null : (rate.starts * 1_000) / rate.periodMs;
    gauge("starts_per_second", "Starts of a task that its rate limit allows", perSecond);
    const places = "Tasks of a name that may run at once: all of them, or those with the same key";
    const perKey = limits.perKey.concurrency;
    gauge("concurrency", places, limits.concurrency, { per: "task" });
    gauge("concurrency", places, perKey, { per: "key" });
    const isBounded = limits.concurrency !== null || perKey !== null;
    const used = isBounded ? (running.get(task) ?? 0) : null;
    gauge("concurrency_used", "Tasks of a name that hold one of these places", used);
  }
}

/** Beat, the way to D1, and what is billed. */
export function meterMetrics(out: Exposition, { usage, unflushed, beat }: MeterReading): void {
  if (beat.lateMs !== null) {
    const help = "How long after its time the newest slot of a schedule became a task";
    out.add("gauge", "lovage_beat_drift_seconds", help, {}, beat.lateMs / 1_000);
  }
  const overdue = "How long the next slot of a schedule is overdue; 0: it isn't";
  out.add("gauge", "lovage_beat_overdue_seconds", overdue, {}, beat.overdueMs / 1_000);
  const waiting = "Tasks that ended and that D1 doesn't have yet";
  out.add("gauge", "lovage_history_unflushed", waiting, {}, unflushed);
  for (const { object, objectRows, databaseRows, requests, doorbells } of usage) {
    const counter = (name: string, help: string, labels: Record<string, string>, value: number) => {
      out.add(
        "counter",
        `lovage_${name}_total`,
        `${help}, since the object started`,
        labels,
        value,
      );
    };
    const rows = "Rows written in Durable Objects and, for tasks that ended, in D1";
    counter("rows_written", rows, { object, store: "object" }, objectRows);
    counter("rows_written", rows, { object, store: "d1" }, databaseRows);
    counter("object_requests", "Requests to Durable Objects", { object }, requests);
    counter("doorbells", "Doorbells sent, three queue operations each", { object }, doorbells);
  }
}

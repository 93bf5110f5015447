import {
  addFigures,
  DURATION_EDGES,
  endedOf,
  figuresOf,
  totalFigures,
  WORKER_NAME,
  type Durations,
  type Figures,
  type FiguresByTask,
} from "#engine";
import type { Exposition, Labels } from "./exposition.ts";

/** Flower's default buckets (`task_runtime_metric_buckets`), ms. */
const FLOWER_BUCKETS: readonly number[] = [
  5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000,
];
/** For waits, which may be long. */
const WAIT_BUCKETS: readonly number[] = [...FLOWER_BUCKETS, 30_000, 60_000, 300_000, 3_600_000];

/**
 * What was counted of tasks that ended, since ever, by Flower's metric names where it has one. A task counts
 * when it ends: its attempts and retries too.
 */
export function taskMetrics(out: Exposition, total: FiguresByTask): void {
  const byName = Map.groupBy(Object.entries(total), ([key]) => figuresOf(key).name);
  for (const [task, all] of byName) {
    const figures = totalFigures(all.map(([, each]) => each));
    eventMetrics(out, task, figures);
    out.histogram(
      "flower_task_runtime_seconds",
      "Task runtime",
      { worker: WORKER_NAME, task },
      histogramOf(figures.runtime, FLOWER_BUCKETS),
    );
    const retried = "Attempts that were followed by a retry";
    out.add("counter", "lovage_attempts_retried_total", retried, { task }, figures.retried);
    const lost = "Attempts whose consumer was lost";
    out.add("counter", "lovage_attempts_lost_total", lost, { task }, figures.lost);
  }
  for (const [key, { succeeded, failed, revoked, ignored }] of Object.entries(total)) {
    const { name: task, queue } = figuresOf(key);
    const ends = { SUCCESS: succeeded, FAILURE: failed, REVOKED: revoked, IGNORED: ignored };
    for (const [state, count] of Object.entries(ends)) {
      const labels = { task, queue, state };
      out.add(
        "counter",
        "lovage_tasks_ended_total",
        "Tasks that ended, by their end",
        labels,
        count,
      );
    }
  }
  const byQueue = Map.groupBy(Object.entries(total), ([key]) => figuresOf(key).queue);
  for (const [queue, all] of byQueue) {
    const { wait } = totalFigures(all.map(([, each]) => each));
    const help = "From when a task could start to when it did";
    out.histogram("lovage_task_wait_seconds", help, { queue }, histogramOf(wait, WAIT_BUCKETS));
  }
}

/** How long the tasks waited that ended lately: Flower's gauge, as a mean. */
export function recentMetrics(out: Exposition, recent: readonly FiguresByTask[]): void {
  const byName = Map.groupBy(Object.entries(addFigures(recent)), ([key]) => figuresOf(key).name);
  for (const [task, all] of byName) {
    const { wait } = totalFigures(all.map(([, each]) => each));
    if (wait.count === 0) continue;
    const labels = { worker: WORKER_NAME, task };
    const help = "Time the tasks of the last minutes waited before they started, mean";
    const mean = wait.sumMs / wait.count / 1_000;
    out.add("gauge", "flower_task_prefetch_time_seconds", help, labels, mean);
  }
}

function eventMetrics(out: Exposition, task: string, figures: Figures): void {
  const { succeeded, failed, revoked, started, retried, lost } = figures;
  // It is received when it is sent.
  const received = endedOf(figures);
  const events: Labels & Record<string, string> = { worker: WORKER_NAME, type: "", task };
  const counts = {
    "task-sent": received,
    "task-received": received,
    "task-started": started,
    "task-succeeded": succeeded,
    "task-failed": failed,
    "task-retried": retried,
    "task-rejected": lost,
    "task-revoked": revoked,
  };
  for (const [type, count] of Object.entries(counts)) {
    out.add("counter", "flower_events_total", "Number of events", { ...events, type }, count);
  }
}

function histogramOf({ count, sumMs, classes }: Durations, edges: readonly number[]) {
  let within = 0;
  let at = 0;
  const buckets = edges.map((edge) => {
    for (; at < DURATION_EDGES.length && (DURATION_EDGES[at] ?? Infinity) <= edge; at += 1) {
      within += classes[at] ?? 0;
    }
    return [edge / 1_000, within] as const;
  });
  return { buckets, sum: sumMs / 1_000, count };
}

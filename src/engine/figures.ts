import type { FinishedTask } from "./wire.ts";

/**
 * Upper edges of the classes that durations are counted in, ms; what is longer has a class of its own.
 * Flower's buckets are among them, so that its histograms are exact.
 */
export const DURATION_EDGES: readonly number[] = [
  ...[1, 2, 3, 5, 7, 10, 15, 20, 25, 35, 50, 75, 100, 150, 200, 250, 350, 500, 750, 1_000],
  ...[1_500, 2_500, 3_500, 5_000, 7_500, 10_000, 15_000, 20_000, 30_000, 45_000, 60_000, 120_000],
  ...[300_000, 600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 21_600_000, 86_400_000],
];

/** How long something took, counted. */
export interface Durations {
  readonly count: number;
  readonly sumMs: number;
  /** How many are in each class, by its place among the edges; those that are not there have none. */
  readonly classes: Readonly<Record<number, number>>;
}

/** What is counted of the tasks of one name on one queue that ended in some time. */
export interface Figures {
  readonly succeeded: number;
  readonly failed: number;
  readonly revoked: number;
  readonly ignored: number;
  /** Their attempts: all that were begun, those that were followed by a retry, those whose consumer was lost. */
  readonly started: number;
  readonly retried: number;
  /** This and durations: of the newest MAX_KEPT_ATTEMPTS of each task. */
  readonly lost: number;
  /** Of the attempts that ran to their end. */
  readonly runtime: Durations;
  /** Of their last attempts: from when it could start to when it did. */
  readonly wait: Durations;
}

/** By name and queue, in one key: see `figuresKey`. */
export type FiguresByTask = Readonly<Record<string, Figures>>;

/** What was counted in a time. */
export interface FiguresOfTime {
  /** Epoch ms. */
  readonly from: number;
  /** How long it is. */
  readonly minutes: number;
  readonly figures: FiguresByTask;
}

/**
 * Reads what was counted of the tasks that ended, all shards together. What is counted is there as soon as its
 * task has ended.
 */
export interface TaskFigures {
  /**
   * The steps that a time (epoch ms, `until` not included) consists of, in their order, those in which nothing
   * ended too. Steps begin at multiples of their length: the first may begin before `from`. An hour of twenty
   * busy tasks takes each shard some 3 ms, a week 50: who plots it live asks for the newest steps alone.
   * @param stepMinutes rounded up to what is kept of times so long ago: minutes for two hours, ten minutes for
   *   a day, hours beyond; absent: that
   * @throws LovageError `ledger_unavailable` (retryable) when a shard can't be reached, InvalidOptionError for
   *   more than MAX_FIGURE_STEPS
   */
  over(from: number, until: number, stepMinutes?: number): Promise<FiguresOfTime[]>;
  /**
   * Everything that was ever counted: it never becomes less.
   * @throws LovageError `ledger_unavailable` (retryable) when a shard can't be reached
   */
  total(): Promise<FiguresByTask>;
}

/** Steps of one answer: a month of hours is 720. */
export const MAX_FIGURE_STEPS = 2_000;

/** The name of all tasks that are not counted by their own: a shard counts MAX_COUNTED names and queues apart. */
export const OTHER_TASKS = "(other)";
/** By name and queue. What is written with every end, and the total, have all of them. */
export const MAX_COUNTED = 300;

/** Tasks that ended, whatever their end. */
export function endedOf({ succeeded, failed, revoked, ignored }: Figures): number {
  return succeeded + failed + revoked + ignored;
}

export const NO_DURATIONS: Durations = { count: 0, sumMs: 0, classes: {} };

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

interface Tally extends Mutable<Omit<Figures, "runtime" | "wait">> {
  readonly runtime: DurationTally;
  readonly wait: DurationTally;
}

interface DurationTally extends Mutable<Durations> {
  readonly classes: Record<number, number>;
}

const COUNTED = {
  SUCCESS: "succeeded",
  FAILURE: "failed",
  REVOKED: "revoked",
  IGNORED: "ignored",
} as const;

const NUMBERS = [
  ...(["succeeded", "failed", "revoked", "ignored"] as const),
  ...(["started", "retried", "lost"] as const),
] as const;

/** A queue has no line break in its name. */
export function figuresKey(name: string, queue: string): string {
  return `${queue}\n${name}`;
}

/** The name and the queue that a key stands for. */
export function figuresOf(key: string): { name: string; queue: string } {
  const at = key.indexOf("\n");
  return { queue: key.slice(0, at), name: key.slice(at + 1) };
}

/** What was counted, and these tasks too, each once. */
export function countTasks(before: FiguresByTask, tasks: readonly FinishedTask[]): FiguresByTask {
  const counted = new Map<string, Tally>();
  for (const task of tasks) {
    const key = figuresKey(task.name, task.queue);
    let tally = counted.get(key);
    if (tally === undefined) counted.set(key, (tally = tallyOf(before[key])));
    tallyTask(tally, task);
  }
  return { ...before, ...Object.fromEntries(counted) };
}

/** The sum of all. */
export function addFigures(all: readonly FiguresByTask[]): FiguresByTask {
  const [only = {}] = all;
  if (all.length <= 1) return only;
  const sums = new Map<string, Tally>();
  for (const each of all) {
    for (const [key, figures] of Object.entries(each)) {
      const tally = sums.get(key);
      if (tally === undefined) sums.set(key, tallyOf(figures));
      else add(tally, figures);
    }
  }
  return Object.fromEntries(sums);
}

/** All of them in one. */
export function totalFigures(all: Iterable<Figures>): Figures {
  const total = tallyOf(undefined);
  for (const each of all) add(total, each);
  return total;
}

/**
 * The duration that this share of all stays within, ms; null: there is none. Between the edges of its class it
 * goes by proportion.
 * @param share 0 … 1
 */
export function percentile({ count, classes }: Durations, share: number): number | null {
  if (count === 0) return null;
  let left = share * count;
  for (let at = 0; at <= DURATION_EDGES.length; at += 1) {
    const inside = classes[at] ?? 0;
    if (inside > 0 && left <= inside) {
      const from = DURATION_EDGES[at - 1] ?? 0;
      const to = DURATION_EDGES[at] ?? from;
      return from + ((to - from) * Math.max(0, left)) / inside;
    }
    left -= inside;
  }
  return DURATION_EDGES.at(-1) ?? null;
}

function tallyOf(figures: Figures | undefined): Tally {
  const tally = (of: Durations | undefined): DurationTally => ({
    count: of?.count ?? 0,
    sumMs: of?.sumMs ?? 0,
    classes: { ...of?.classes },
  });
  return {
    ...{ succeeded: 0, failed: 0, revoked: 0, ignored: 0, started: 0, retried: 0, lost: 0 },
    ...figures,
    runtime: tally(figures?.runtime),
    wait: tally(figures?.wait),
  };
}

function tallyTask(tally: Tally, task: FinishedTask): void {
  const { state, attempts, retries } = task;
  tally[COUNTED[state]] += 1;
  tally.started += attempts.at(-1)?.attempt ?? 0;
  tally.retried += retries;
  for (const { outcome, startedAt, finishedAt } of attempts) {
    if (outcome === "lost") tally.lost += 1;
    const isCutOff = outcome === "lost" || outcome === "suspended" || outcome === "revoked";
    if (!isCutOff && finishedAt !== null) measure(tally.runtime, finishedAt - startedAt);
  }
  const waitMs = waitOf(task);
  if (waitMs !== null) measure(tally.wait, waitMs);
}

/** Null: nothing started, or it isn't known when it could have: it went on after a suspension. */
function waitOf({ attempts, submittedAt, dueAt }: FinishedTask): number | null {
  const [before, last] = [attempts.at(-2), attempts.at(-1)];
  if (last === undefined || last.outcome === "suspended" || before?.outcome === "suspended") {
    return null;
  }
  // When it is due is told of the next attempt: one that was called off before it has not waited for its start.
  const waitMs = last.startedAt - Math.max(submittedAt, dueAt ?? 0);
  return waitMs < 0 ? null : waitMs;
}

function measure(tally: DurationTally, given: number): void {
  const ms = Math.max(0, given);
  const above = DURATION_EDGES.findIndex((edge) => ms <= edge);
  const at = above < 0 ? DURATION_EDGES.length : above;
  tally.count += 1;
  tally.sumMs += ms;
  tally.classes[at] = (tally.classes[at] ?? 0) + 1;
}

function add(tally: Tally, figures: Figures): void {
  for (const key of NUMBERS) tally[key] += figures[key];
  addDurations(tally.runtime, figures.runtime);
  addDurations(tally.wait, figures.wait);
}

function addDurations(tally: DurationTally, durations: Durations): void {
  tally.count += durations.count;
  tally.sumMs += durations.sumMs;
  for (const [at, inside] of Object.entries(durations.classes)) {
    tally.classes[Number(at)] = (tally.classes[Number(at)] ?? 0) + inside;
  }
}

import type { State } from "./states.ts";

/*
 * What those who watch over a deployment ask it: what happens now, what happened when, and whether all that
 * should run does.
 */

/** What stands for all consumers where Celery names a worker: there are no workers, and nobody can tell them apart. */
export const WORKER_NAME = "lovage@lovage";

/**
 * What happens to tasks, in Celery's words.
 * - `task-sent`: the ledger has it. Celery's `task-received` is the same moment and has no event of its own.
 * - `task-started`: a consumer took it, for each attempt.
 * - `task-succeeded`: it ended without an error; its state is SUCCESS, or IGNORED.
 * - `task-failed`: it ended with an error, and was tried as often as it may be.
 * - `task-retried`: an attempt failed, and there will be another.
 * - `task-rejected`: its consumer was lost, and it is in its queue again.
 * - `task-revoked`: it was called off, terminated, or has expired.
 * - `task-custom`: it goes on in another state: the handler's own, or SUSPENDED in the middle of its steps.
 *
 * Every task that ends has one of `task-succeeded`, `task-failed` and `task-revoked`, and no event after it.
 */
export const TASK_EVENTS = [
  "task-sent",
  "task-started",
  "task-succeeded",
  "task-failed",
  "task-retried",
  "task-revoked",
  "task-rejected",
  "task-custom",
] as const;
export type MonitorEventType = (typeof TASK_EVENTS)[number];

/** Something that happened to a task, with Celery's names. Times are seconds since 1970, as there. */
export interface MonitorEvent {
  readonly type: MonitorEventType;
  readonly uuid: string;
  readonly timestamp: number;
  /** WORKER_NAME. */
  readonly hostname: string;
  readonly name: string;
  readonly queue: string;
  /** The state it is in now: also the handler's own, as PROGRESS. */
  readonly state: State | (string & {});
  readonly retries: number;
  /** Whose task it is; not to be shown to anybody but them and those who monitor. */
  readonly owner: string;
  /** The canvas that it is part of, or its own. */
  readonly root_id: string;
  /** Of an attempt that ended, seconds. */
  readonly runtime?: number;
  /** Of one that failed, as `ValueError: boom`. */
  readonly exception?: string;
}

/** What happens, as it happens. */
export interface MonitorEvents {
  /**
   * Events from now on, in lists of at most MAX_LISTED_EVENTS, until `signal` aborts (the iteration then ends
   * without an error). The first list is empty: what happens after it is seen. Then they come as they happen,
   * within about 200 ms; those of one task in their order. A watcher that is too slow, or where more happens
   * than a list takes, misses some and is told how many. Idle watching costs nothing.
   * @throws LovageError `too_many_watchers`, `ledger_unavailable` (both retryable), before the first list
   */
  watch(signal: AbortSignal, watcher: Watcher): AsyncIterable<MonitorEventList>;
}

/** Who watches: nobody takes all places, and those who run the deployment always have some. */
export interface Watcher {
  readonly owner: string;
  /** False: it is there for tasks of its own. */
  readonly isMonitor: boolean;
}

/** Events that one list takes; what a shard of the ledger has more in a tenth of a second is missed. */
export const MAX_LISTED_EVENTS = 500;

export interface MonitorEventList {
  readonly events: readonly MonitorEvent[];
  /**
   * Events that this watcher missed around these. A shard that gets out of reach counts as one, and as one when it is
   * watched again: what happened meanwhile nobody told.
   */
  readonly missed: number;
}

/** Something that the deployment does by itself, and whether it does. */
export interface AgentReport {
  /** `cron`, `beat`, `watchdog`, a watchdog's duty as `duty history`, or `flusher 3` and the like. */
  readonly name: string;
  /** What it does, for people. */
  readonly does: string;
  /** Epoch ms; null: not since its object was started, which happens at any time. */
  readonly lastRanAt: number | null;
  /** When it is due next, epoch ms; null: it has nothing to do, or runs when it is called. */
  readonly nextAt: number | null;
  /** What is wrong, for people; null: nothing. */
  readonly problem: string | null;
  /** Since when, epoch ms; null: nothing is wrong, or it is not known. */
  readonly problemSince: number | null;
  /** What is worth knowing and no problem; null: nothing. */
  readonly note: string | null;
}

/** How much of something that has an end is used. */
export interface Usage {
  readonly name: string;
  readonly used: number;
  readonly limit: number;
  readonly unit: string;
}

/** Something that is counted and has no end. */
export interface SystemFigure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What is counted from, epoch ms; null: it is what there is now. */
  readonly since: number | null;
}

/**
 * Something that asks for a person, besides agents that don't run: `problem` when work is held up or lost to view,
 * `risk` for a setting that is dangerous where the deployment is.
 */
export interface Finding {
  readonly name: string;
  readonly level: "problem" | "risk";
  /** What is wrong and what to do, for people. */
  readonly message: string;
}

/** How the deployment is. */
export interface SystemReport {
  /** Epoch ms. */
  readonly at: number;
  readonly environment: "development" | "staging" | "production";
  readonly agents: readonly AgentReport[];
  readonly usage: readonly Usage[];
  readonly figures: readonly SystemFigure[];
  readonly findings: readonly Finding[];
}

export interface SystemWatch {
  /** Never throws: what can't be reached is in the report as such. */
  report(): Promise<SystemReport>;
}

/** Whether the deployment can do its work. */
export interface Readiness {
  /** The names of the checks that fail; none: it is ready. Never throws. Safe to call as often as anybody likes. */
  failing(): Promise<readonly string[]>;
}

import type { State } from "./states.ts";

/*
 * What those who watch over a deployment ask it: what happens now, what happened when, and whether all that
 * should run does.
 */

/** Celery's types of events about tasks. */
export const TASK_EVENTS = [
  "task-sent",
  "task-received",
  "task-started",
  "task-succeeded",
  "task-failed",
  "task-retried",
  "task-revoked",
  "task-rejected",
] as const;
export type MonitorEventType = (typeof TASK_EVENTS)[number];

/** Something that happened to a task, with Celery's names. Times are seconds since 1970, as there. */
export interface MonitorEvent {
  readonly type: MonitorEventType;
  readonly uuid: string;
  readonly timestamp: number;
  /** Of whoever saw it: `lovage@<shard>`. */
  readonly hostname: string;
  readonly name: string;
  readonly queue: string;
  /** The state it is in now: also the handler's own, as PROGRESS. */
  readonly state: State | (string & {});
  readonly retries: number;
  /** Whose task it is; not to be shown to anybody but them and those who monitor. */
  readonly owner: string;
  readonly root_id: string | null;
  /** Of an attempt that ended, seconds. */
  readonly runtime?: number;
  /** Of one that failed, as `ValueError: boom`. */
  readonly exception?: string;
}

/** What happens, as it happens. */
export interface MonitorEvents {
  /**
   * Events from now on, in small lists, until `signal` aborts (the iteration then ends without an error). Under
   * load they come some at a time; a watcher that is too slow misses some and is told how many.
   */
  watch(signal: AbortSignal): AsyncIterable<MonitorEventList>;
}

export interface MonitorEventList {
  readonly events: readonly MonitorEvent[];
  /** Events that this watcher missed just before these. */
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

import { checkTimeLimits, MAX_TIME_LIMIT_SECONDS } from "./checks.ts";
import { InvalidOptionError } from "./errors.ts";
import { parseRate } from "./limits.ts";
import type { TaskRecord } from "./wire.ts";

/**
 * What operators have set for the whole deployment. The watchdog keeps the truth;
 * every ledger has a copy, which the highest version overwrites.
 */
export interface Controls {
  /** Rises with every change. */
  readonly version: number;
  /** True: nothing is claimed from any queue (Celery's `shutdown`, undone by `start`). */
  readonly isShutDown: boolean;
  /** Queues that are not consumed (Celery's `cancel_consumer`). */
  readonly pausedQueues: readonly string[];
  /** Of paused queues those that the deployment paused itself, and why; absent: none, or stored before there were any. */
  readonly pauses?: Readonly<Record<string, Pause>>;
  /** Rates by task name, instead of the declared ones; null: no limit. */
  readonly rateLimits: Readonly<Record<string, string | null>>;
  /** Time limits by task name in seconds, instead of the declared ones; null: as declared. */
  readonly timeLimits: Readonly<Record<string, { soft: number | null; hard: number | null }>>;
}

/** Why a queue is not consumed. */
export interface Pause {
  /** For people; says nothing secret. */
  readonly reason: string;
  /** Epoch ms. */
  readonly at: number;
}

export const NO_CONTROLS: Controls = {
  version: 0,
  isShutDown: false,
  pausedQueues: [],
  rateLimits: {},
  timeLimits: {},
};

/** One change that an operator makes, in Celery's words. */
export type ControlChange =
  /** `pause`: why, when no operator did it. A queue that is paused stays as it is, whoever paused it. */
  | { readonly kind: "cancel_consumer"; readonly queue: string; readonly pause?: Pause }
  | { readonly kind: "add_consumer"; readonly queue: string }
  | { readonly kind: "shutdown" | "start" }
  /** `rate`: "0" for no limit; null for the declared one. */
  | { readonly kind: "rate_limit"; readonly name: string; readonly rate: string | null }
  /** Seconds; null for the declared one. */
  | {
      readonly kind: "time_limit";
      readonly name: string;
      readonly soft: number | null;
      readonly hard: number | null;
    };

/**
 * The controls after a change, with the next version.
 * @throws InvalidOptionError naming the field, when the change makes no sense
 */
export function changeControls(controls: Controls, change: ControlChange): Controls {
  const next = { ...controls, version: controls.version + 1 };
  switch (change.kind) {
    case "shutdown":
    case "start":
      return { ...next, isShutDown: change.kind === "shutdown" };
    case "cancel_consumer": {
      const { queue, pause } = change;
      if (controls.pausedQueues.includes(queue)) return next;
      const pauses = { ...controls.pauses, ...(pause && { [queue]: pause }) };
      return { ...next, pausedQueues: [...controls.pausedQueues, queue], pauses };
    }
    case "add_consumer": {
      const { [change.queue]: _ended, ...pauses } = controls.pauses ?? {};
      const paused = controls.pausedQueues.filter((queue) => queue !== change.queue);
      return { ...next, pausedQueues: paused, pauses };
    }
    case "rate_limit": {
      const { [change.name]: _before, ...others } = controls.rateLimits;
      if (change.rate === null) return { ...next, rateLimits: others };
      const isNone = parseRate("rate_limit", change.rate) === null;
      return { ...next, rateLimits: { ...others, [change.name]: isNone ? null : change.rate } };
    }
    case "time_limit": {
      const { [change.name]: _before, ...others } = controls.timeLimits;
      const { soft, hard } = change;
      if (soft === null && hard === null) return { ...next, timeLimits: others };
      for (const [field, limit] of Object.entries({ soft, hard })) {
        // In Celery it is none; here every attempt would be over at once.
        if (limit === 0) throw new InvalidOptionError(field, "must be more than 0.");
      }
      checkTimeLimits(soft, hard ?? MAX_TIME_LIMIT_SECONDS);
      return { ...next, timeLimits: { ...others, [change.name]: { soft, hard } } };
    }
  }
}

/** Why a queue is paused; null: it is not, or an operator did it. */
export function pauseOf({ pausedQueues, pauses }: Controls, queue: string): Pause | null {
  return pausedQueues.includes(queue) ? (pauses?.[queue] ?? null) : null;
}

/** Which live tasks are meant: all that fit every part that is given. */
export interface TaskFilter {
  readonly name?: string;
  readonly queue?: string;
  readonly owner?: string;
  /** All of these labels, with these values. */
  readonly labels?: Readonly<Record<string, string>>;
}

/**
 * Celery's words: `active` runs, `reserved` is due and waits, `scheduled` is not due yet, `revoked` runs and
 * is not to be tried again (what was revoked while it waited has ended at once).
 */
export type LiveKind = "active" | "reserved" | "scheduled" | "revoked";

/** How many tasks a command called off, or only marked because they run: they are not tried again. */
export interface RevokeCount {
  readonly revoked: number;
  readonly marked: number;
}

/** What a queue holds, in one shard or in all. */
export interface QueueSurvey {
  readonly queue: string;
  /** Due tasks that wait for a consumer, or at a gate. */
  readonly waiting: number;
  /** Tasks that are not due yet. */
  readonly scheduled: number;
  /** Tasks under a lease. */
  readonly running: number;
  /** When the task that waits longest became due, epoch ms; null if none waits. */
  readonly oldestAt: number | null;
}

/** What a queue holds in all shards. */
export interface QueueLength extends QueueSurvey {
  /** Nothing is claimed from it. */
  readonly isPaused: boolean;
  /** Why, when the deployment paused it itself; null otherwise. */
  readonly pause: Pause | null;
}

/** Operators' commands and questions for the whole deployment (Celery's `control` and `inspect`). */
export interface DeploymentControl {
  controls(): Promise<Controls>;
  /**
   * Makes a change that holds everywhere, and over restarts.
   * @throws InvalidOptionError when it makes no sense, `ledger_unavailable` (retryable) when it is kept
   *   but a shard has not heard of it yet
   */
  change(change: ControlChange): Promise<Controls>;
  /** Calls off all live tasks that fit a filter. Safe to repeat. */
  revoke(filter: TaskFilter, terminate: boolean): Promise<RevokeCount>;
  /** Takes all waiting tasks out of a queue: they are REVOKED. @returns how many */
  purge(queue: string): Promise<number>;
  /** What every queue holds, those that are empty included. */
  queues(): Promise<QueueLength[]>;
  /** Live tasks of a kind, at most `limit` and fewer if they are large, those that are or were due first at the front. */
  list(kind: LiveKind, limit: number): Promise<TaskRecord[]>;
}

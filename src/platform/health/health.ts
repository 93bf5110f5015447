import type { AgentHealth } from "./agent-record.ts";

/*
 * What the deployment's objects say of themselves. Times are epoch ms. All of it is in their memory: asking
 * writes nothing, but an object that has to be started for it sets its alarm again (one row).
 */

interface ObjectHealth {
  /** When the object was started: what it counts, it counts since then. */
  readonly startedAt: number;
  /** When its alarm rings next; null: never. */
  readonly alarmAt: number | null;
}

export interface WatchdogHealth extends ObjectHealth {
  /** When it did its first round of all; before that, when its object was started. */
  readonly since: number;
  /** When the cron trigger last came; null: never. */
  readonly cronAt: number | null;
  /** True: this object has not seen it itself; the time is one it found stored, up to CRON_STORE_MS too old. */
  readonly isCronStored: boolean;
  readonly rounds: AgentHealth;
  readonly duties: readonly (AgentHealth & { readonly name: string; readonly does: string })[];
}

export interface BeatHealth extends ObjectHealth {
  readonly ticks: AgentHealth;
  /** The next slot of all schedules; null: there is none. */
  readonly nextSlotAt: number | null;
  readonly schedules: number;
  readonly databaseBytes: number;
}

/** What one shard has cost since its object started, in the units the platform bills, and what it holds. */
export interface ShardStats {
  /** Tasks waiting in the lanes, tasks under a lease, finished tasks that D1 doesn't have yet. */
  readonly ready: number;
  readonly running: number;
  readonly unflushed: number;
  /** Rows written in the object (its alarm included) and in D1. */
  readonly ledgerRows: number;
  readonly historyRows: number;
  /** Calls, alarms and watches. */
  readonly requests: number;
  /** Doorbells rung: three queue operations each. */
  readonly bells: number;
}

export interface ShardHealth extends ObjectHealth, ShardStats {
  /** What looks for lost leases and due work. */
  readonly recoverer: AgentHealth;
  /**
   * `retryAt`: when it tries again after a failure; null: it didn't fail. `waitingSince`: when the oldest task ended
   * that D1 doesn't have yet; null: it has all. That is known also after an eviction, which forgets failures.
   */
  readonly flusher: AgentHealth & {
    readonly retryAt: number | null;
    readonly waitingSince: number | null;
  };
  /** Tasks that have not ended; null: nobody asked to count them. */
  readonly live: number | null;
  readonly databaseBytes: number;
}

/** How often the watchdog stores when it saw the cron trigger. */
export const CRON_STORE_MS = 300_000;

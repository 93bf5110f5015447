import type { ClaimedTask, Collected, Settlement, SubmitAnswer } from "#engine";
import type { WakeupSettings } from "./wakeups.ts";

export interface LedgerSettings extends WakeupSettings {
  /** A claim without a heartbeat for this long is lost. */
  readonly leaseMs: number;
  /** Ready tasks kept in memory; more are found through the index, one row dearer. */
  readonly laneCapacity: number;
  /** Finished tasks that may wait for D1 before new work is refused, and none that waits is started. */
  readonly maxUnflushed: number;
}

export const DEFAULT_LEDGER_SETTINGS: LedgerSettings = {
  leaseMs: 30_000,
  laneCapacity: 20_000,
  maxUnflushed: 50_000,
  watchMs: 20_000,
  stallMs: 25_000,
};

/** One step of a consumer: what it settles, and how much it can take on. */
export interface Exchange {
  readonly queue: string;
  readonly settlements: readonly Settlement[];
  /** Tasks it can start now; 0 when it only settles. */
  readonly claim: number;
  /** It runs nothing else: it may get a suspect, which is run alone. */
  readonly isIdle: boolean;
  /** The doorbells that made it come: none of them is under way any more. */
  readonly bells: number;
  /** The `pace` under which it was told to come back, and has not been told otherwise; absent: it was not. */
  readonly pace?: number;
  /** True: it runs few tasks of this queue at a time, so more consumers are called. */
  readonly isNarrow?: true;
  /** True: nobody called it, it settles what it got with its submit, and nobody misses it when it goes. */
  readonly isExpress?: true;
}

/** Tasks with the lease that they are to be run under. */
export interface Claim {
  readonly tasks: readonly ClaimedTask[];
  /** The token of the lease on `tasks`; 0 without tasks. */
  readonly token: number;
  /** The task is a suspect: nothing else may be claimed until it is settled. */
  readonly isSolo: boolean;
  /** The lease ends this long from now unless a heartbeat extends it. */
  readonly leaseMs: number;
}

export interface ExchangeAnswer extends Claim {
  /**
   * A limited task may start this long from now: come back then. Null: nothing is known to come soon, or somebody
   * else comes back for it.
   */
  readonly againInMs: number | null;
  /** Tells the one consumer of a queue that is expected back from all others; absent: it is not this one. */
  readonly pace?: number;
  /** Settlements that changed nothing: settled before, or under a lease that was lost. */
  readonly stale: number;
}

/** What a submit is told that offered to run its task. */
export interface ExpressAnswer {
  readonly answer: SubmitAnswer;
  /** The task, to be run by whoever submitted it; null: a consumer will. */
  readonly claim: Claim | null;
}

/**
 * A `Collected` on its way to a consumer, its text as UTF-8: an answer may have 32 MiB, and of a string with one
 * character beyond Latin-1 each takes two bytes.
 */
export interface KeptInput extends Omit<Collected, "text"> {
  readonly utf8: Uint8Array;
}

/** A task whose lease is over while its handler still runs. */
export interface GoneTask {
  readonly id: string;
  readonly reason: "revoked" | "lost";
}

/** What a ledger holds right now. */
export interface LedgerStats {
  /** Tasks waiting in the lanes. */
  readonly ready: number;
  /** Tasks under a lease. */
  readonly running: number;
  /** Finished tasks that D1 doesn't have yet. */
  readonly unflushed: number;
}

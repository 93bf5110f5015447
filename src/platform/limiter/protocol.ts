import type { TaskLimits } from "#engine";

/** Stands for calls without a key, and for what bounds all calls of a task. */
export const ALL = "";

/** What one shard holds of one key's limits: "" for calls without a key. */
export interface Holding {
  readonly key: string;
  /** Tasks that it may have running at once: those that run, and places it keeps for the next. */
  readonly places: number;
  /** The tasks that run. */
  readonly running: readonly string[];
}

/** Tasks of one key that wait for leave to start. */
export interface Want {
  readonly key: string;
  readonly count: number;
}

/**
 * A shard's request to the limiter of one task name. It states everything that the shard holds, so a
 * request that got lost, or whose answer did, is made good by the next one.
 */
export interface LimitRequest {
  readonly shard: number;
  /** Rises with every request of a shard, also over its restarts. */
  readonly seq: number;
  /** The limits as the shard knows them, and the version of the controls they come from. */
  readonly limits: TaskLimits;
  readonly version: number;
  readonly holdings: readonly Holding[];
  /** Some of the keys whose tasks wait: what is known of the others stays as it is. */
  readonly wants: readonly Want[];
  /** A start for sooner than this after the answer is made would be over when the answer is there, ms. */
  readonly leadMs: number;
  /** Resources for which it waits no more though it got no place or start. */
  readonly leaves: readonly string[];
}

/** Leave to start tasks of one key. */
export interface Grant {
  readonly key: string;
  /** More tasks that may run at once; 0 where nothing limits that. */
  readonly places: number;
  /** When they may start, epoch ms, one each; null where no rate limits that. */
  readonly slots: readonly number[] | null;
}

/** Why something was not granted. */
export interface Wait {
  /** The resource: a key, or "" for all calls of the task; until it is free nothing is granted. */
  readonly resource: string;
  /** When to ask again, epoch ms; null: there is no place, the limiter calls. */
  readonly retryAt: number | null;
}

export interface LimitAnswer {
  /** The limiter's time, by which all of its times are; epoch ms. */
  readonly now: number;
  readonly grants: readonly Grant[];
  /** What holds up the rest. */
  readonly waits: readonly Wait[];
  /** Other shards wait for places: those that become free are to be given back. */
  readonly isContended: boolean;
  /** Of the request that the shard made last, where that is not this one: its clock may have gone back since. */
  readonly latestSeq?: number;
}

/**
 * `take`: places of these resources are free, ask for what you want. `give`: others wait, give back what
 * you can spare, and say what you hold.
 */
export type Nudge =
  | { readonly kind: "take"; readonly resources: readonly string[] }
  | { readonly kind: "give" };

/** A task that holds a place. */
export interface Holder {
  readonly shard: number;
  readonly key: string;
  readonly taskId: string;
}

/** The limiters, as a ledger uses them. Calls may fail or get lost. */
export interface LimitsPort {
  ask(name: string, request: LimitRequest): Promise<LimitAnswer>;
}

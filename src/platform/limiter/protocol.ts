import type { TaskLimits } from "#engine";

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
  readonly wants: readonly Want[];
}

/** Leave to start tasks of one key. */
export interface Grant {
  readonly key: string;
  /** More tasks that may run at once; 0 where nothing limits that. */
  readonly places: number;
  /** When they may start, epoch ms, one each; null where no rate limits that. */
  readonly slots: readonly number[] | null;
}

export interface LimitAnswer {
  readonly grants: readonly Grant[];
  /** When to ask again for what was not granted, epoch ms; null: the limiter calls. */
  readonly retryAt: number | null;
  /** Other shards wait for places: those that become free are to be given back. */
  readonly isContended: boolean;
}

/** `take`: places are free, ask for what you want. `give`: others wait, give back what you can spare. */
export type Nudge = "take" | "give";

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

/** What one object has cost since it started, in the units that the platform bills. Less than before: it started anew. */
export interface ObjectUsage {
  /** `ledger 3`, or `limiter` and the name of its task. */
  readonly object: string;
  /** Rows written in the object itself (its alarms included), and in D1. */
  readonly objectRows: number;
  readonly databaseRows: number;
  /** Calls, alarms and watches. */
  readonly requests: number;
  /** Doorbells rung: three queue operations each. */
  readonly doorbells: number;
}

/** How well Beat keeps the time. */
export interface BeatMeter {
  /** How long after its time the newest slot became a task, ms; null: none has. */
  readonly lateMs: number | null;
  /** How long the next slot is overdue, ms; 0: it isn't. */
  readonly overdueMs: number;
}

/** What the objects of a deployment can be asked besides their tasks. */
export interface MeterReading {
  readonly usage: readonly ObjectUsage[];
  /** Ended tasks that D1 doesn't have yet. */
  readonly unflushed: number;
  /** By the name of a task with limits: how many of it run, as far as its limiter counts them. */
  readonly running: ReadonlyMap<string, number>;
  readonly beat: BeatMeter;
}

export interface DeploymentMeters {
  /**
   * Asks every shard, every limiter and Beat once.
   * @throws LovageError `ledger_unavailable` (retryable) when one of them can't be reached
   */
  read(): Promise<MeterReading>;
}

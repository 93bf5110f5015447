import type {
  Clock,
  FinishedTask,
  MonitorEventList,
  TaskLimits,
  TaskRecord,
  Timers,
} from "#engine";
import type { LimitsPort } from "../limiter/protocol.ts";

/** A value SQLite stores here: no blobs are used. */
export type SqlValue = string | number | null;

/** The SQLite database of one Durable Object, synchronous as there. */
export interface SqlPort {
  /**
   * Runs one statement. Rows are read lazily: stop iterating to stop reading, and finish before the
   * next `await`.
   */
  exec<Row extends Record<string, SqlValue>>(sql: string, ...params: SqlValue[]): Iterable<Row>;
  /** All writes of `fn` or, when it throws, none. */
  transaction<T>(fn: () => T): T;
}

/** The one alarm of a Durable Object. */
export interface AlarmPort {
  /** When it is set to as far as is known, epoch ms: it may have been lost since. Null: not set, or gone off. */
  readonly at: number | null;
  /** Epoch ms; replaces an alarm that is set. Costs one row. */
  set(at: number): void;
}

/** Finished tasks' home (D1). */
export interface HistoryPort {
  /** Writes tasks that finished; writing one again changes nothing. Rejects when it is not sure. */
  write(tasks: readonly FinishedTask[]): Promise<void>;
  /** The fingerprints of those of `ids` that the history knows (null: kept without one). */
  fingerprints(ids: readonly string[]): Promise<Map<string, string | null>>;
}

/** Those who wait for a task's next state. */
export interface WatchersPort {
  /** Cheap: asked for every change of every task. */
  isWatched(taskId: string): boolean;
  notify(task: TaskRecord): void;
}

/** Those who watch what happens to all tasks. */
export interface EventsPort {
  /**
   * How many events there is room for; null: nobody watches, and they are not even counted. Cheap: asked once
   * for every transaction.
   */
  readonly room: number | null;
  /** What a transaction did that is committed, in its order. Takes no time, and never fails. */
  happened(list: MonitorEventList): void;
}

/** What a ledger needs from outside. */
export interface LedgerPorts {
  /** The number of this shard. */
  readonly shard: number;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly sql: SqlPort;
  readonly alarm: AlarmPort;
  readonly history: HistoryPort;
  readonly limits: LimitsPort;
  /** The limits that a task is declared with; null: none. */
  readonly limitsOf: (name: string) => TaskLimits | null;
  /** The key that its declaration gives a call; null: none, or its arguments don't fit. Never throws. */
  readonly keyOf: (name: string, kwargs: string) => string | null;
  /** Rings the doorbell of a queue: some consumer will come and claim. May reject; may be lost. */
  readonly ring: (queue: string) => Promise<void>;
  /** Claims and runs due work of a queue without a doorbell, for when bells are lost. May reject. */
  readonly runDirectly: (queue: string) => Promise<void>;
  readonly watchers: WatchersPort;
  readonly events: EventsPort;
  /** Lets a promise run on after the answer. */
  readonly background: (work: Promise<void>) => void;
  readonly log: (event: string, fields: Record<string, unknown>) => void;
}

import type { CanvasTree } from "./canvas/tree.ts";
import type { State } from "./states.ts";
import type { EventAnswer } from "./steps.ts";
import type { LargeResult, Reschedule, Rescheduled, TaskRecord, TaskSpec } from "./wire.ts";

/** Time and chance come in from outside, so that the same code runs in a simulator. */
export interface Clock {
  /** Epoch ms. */
  now(): number;
}

export interface Random {
  /** A number in [0, 1). */
  float(): number;
  bytes(length: number): Uint8Array;
}

export interface Timers {
  /** Calls `fn` once after `ms`; the answer cancels it. */
  after(ms: number, fn: () => void): () => void;
}

/** Keeps results that are too large for a row. */
export interface LargeResults {
  /** Stores the JSON text of a result. One key for each attempt: a late one overwrites nothing. */
  put(taskId: string, token: number, text: string): Promise<LargeResult>;
  /** The text as it was stored; null: it isn't there (any more). */
  get(key: string): Promise<ReadableStream<Uint8Array> | null>;
}

/** Reads tasks wherever they are kept: ledger first, then history, so a client reads its own writes. */
export interface TaskReader {
  /** Null: no task has this id (or it was purged from the history). */
  get(taskId: string): Promise<TaskRecord | null>;
  /**
   * The task as it is now, then again after every change, until it is terminal or `signal` aborts (the
   * iteration then ends without an error). Yields nothing if no task has this id. Idle waiting costs
   * nothing: the ledger may sleep in between.
   */
  watch(taskId: string, signal: AbortSignal): AsyncIterable<TaskRecord>;
}

/** The members of a canvas that have been there: its other tasks wait for their turn. */
export interface CanvasMembers {
  /** Those of the places asked for that come before `to`, by their place. */
  readonly tasks: ReadonlyMap<number, TaskRecord>;
  /** The end of the places asked for, or the place before it from which on they were too large. */
  readonly to: number;
  /** Of all places, how many are in which state. */
  readonly states: Readonly<Partial<Record<State, number>>>;
}

/** Reads what canvases are made of. */
export interface CanvasReader {
  /** The outline as it is now, added members included; null: it is no live canvas. */
  outline(canvasId: string): Promise<CanvasTree | null>;
  /**
   * @param base what the members' ids count up from
   * @param all its places
   * @param page those whose tasks are wanted
   */
  members(base: string, all: Places, page: Places): Promise<CanvasMembers>;
}

/** Places of a canvas: `from` included, `to` not. */
export interface Places {
  readonly from: number;
  readonly to: number;
}

/** An event as it is sent. */
export interface TaskEventCall {
  /** 1 to 100 characters. */
  readonly name: string;
  /** JSON text, at most MAX_STEP_BYTES. */
  readonly payload: string;
  /** The same key is the same delivery; null: it is one of its own. */
  readonly key: string | null;
}

/** Stops tasks. */
export interface TaskControl {
  /**
   * Calls a task off: one that has not started becomes REVOKED at once. A running attempt goes on and is
   * not retried, or, with `terminate`, is REVOKED now and its handler told within a heartbeat.
   * @returns the task afterwards; null if no task has this id. A finished task stays as it is.
   */
  revoke(taskId: string, options: { terminate: boolean }): Promise<TaskRecord | null>;
  /**
   * Delivers an event to a live task: kept until its `waitForEvent` takes it, and the task goes on if that
   * is what it waits for.
   */
  sendEvent(taskId: string, event: TaskEventCall): Promise<EventAnswer>;
  /**
   * Changes when, where or how urgently a task that waits is to run. A due time in the past means now.
   * @returns null if no task has this id
   */
  reschedule(taskId: string, change: Reschedule): Promise<Rescheduled | null>;
}

/**
 * Tasks written in the same transaction as the rows they belong to, and relayed to the ledger after
 * it. `Statement` is what the database takes in a batch.
 */
export interface Outbox<Statement> {
  /** The statement that writes the tasks; to be put into the caller's batch. */
  insert(tasks: readonly TaskSpec[]): Statement;
  /** Submits these tasks now and takes them out. May fail halfway: a sweep relays what is left. */
  relay(tasks: readonly TaskSpec[]): Promise<void>;
}

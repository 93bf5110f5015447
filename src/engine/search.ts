import type { Match } from "./matching.ts";
import type { State } from "./states.ts";
import type { TaskRecord } from "./wire.ts";

/** Bytes of a glob in a search: the platform's SQLite takes no longer ones. Names may be longer. */
export const MAX_GLOB_BYTES = 50;

/** Which tasks are looked for: all that fit every part that is given. */
export interface TaskQuery {
  /** A name, or a glob with `*` and `?` of at most MAX_GLOB_BYTES. */
  readonly name?: string;
  readonly state?: State;
  readonly queue?: string;
  /** Absent: everybody's. */
  readonly owner?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Epoch ms. Tasks whose id was derived from a key have no time in it and are left out. */
  readonly submittedAfter?: number;
  readonly submittedBefore?: number;
  /** What else is to be true of them. */
  readonly match?: Match;
  /** By the time in their ids; absent: the newest first. */
  readonly order?: "newest" | "oldest";
}

/** Tasks on one page, and where the next goes on; null: there are no more. */
export interface TaskPage {
  readonly tasks: readonly TaskRecord[];
  readonly next: string | null;
}

/** Finds tasks wherever they are kept. */
export interface TaskSearch {
  /**
   * A page of tasks by the time in their ids; those whose ids were derived from keys come last, in no order
   * of time. A page may have fewer than `limit` although more follow: it reads a bounded number
   * of rows, and ends early where tasks are large.
   * @param after the `next` of the page before; null: the first
   */
  search(query: TaskQuery, limit: number, after: string | null): Promise<TaskPage>;
}

/** Which dead letters are meant. */
export interface DeadLetterFilter {
  /** A name, or a glob. */
  readonly name?: string;
  readonly queue?: string;
  /** The type of the error it ended with. */
  readonly excType?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Epoch ms of the end. */
  readonly failedAfter?: number;
  readonly failedBefore?: number;
}

/** Dead letters of one task that ended with one type of error. */
export interface DeadLetterGroup {
  readonly name: string;
  readonly excType: string;
  readonly count: number;
  readonly firstAt: number;
  readonly lastAt: number;
  /** Some of them. */
  readonly ids: readonly string[];
}

/**
 * What became of one dead letter. `gone`: it is none, or was dealt with before. `failed`: it stays one; the
 * error is an InvalidArgumentsError or UnknownTaskError when the arguments don't fit the task as it is
 * declared now.
 */
export type DeadLetterAnswer =
  | { readonly id: string; readonly status: "replayed"; readonly taskId: string }
  | { readonly id: string; readonly status: "discarded" | "gone" }
  | { readonly id: string; readonly status: "failed"; readonly error: unknown };

/** What a replay would call; its arguments as they are stored, or as they are given now. */
export interface ReplayedCall {
  readonly task: string;
  readonly kwargs: Readonly<Record<string, unknown>>;
}

/** Tasks that ran out of attempts and wait for a person. */
export interface DeadLetterBox {
  /** Those that failed last first; fewer than `limit` if they are large. */
  list(filter: DeadLetterFilter, limit: number, after: string | null): Promise<TaskPage>;
  /** The ids of those that fit, those that failed last first. */
  ids(filter: DeadLetterFilter, limit: number): Promise<string[]>;
  /** Groups by task and error, the largest first. */
  summary(filter: DeadLetterFilter): Promise<DeadLetterGroup[]>;
  /**
   * Runs dead letters again as new tasks. Twice is once: the new id belongs to the old.
   * @param kwargs instead of the old arguments; null: the same
   * @param check is given each call that would be made, and throws what is answered for it instead
   * @returns an answer per id, in their order
   */
  replay(
    ids: readonly string[],
    kwargs: Readonly<Record<string, unknown>> | null,
    check: (call: ReplayedCall) => void,
  ): Promise<DeadLetterAnswer[]>;
  discard(ids: readonly string[]): Promise<DeadLetterAnswer[]>;
}

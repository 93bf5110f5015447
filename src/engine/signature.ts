import type { PaceOptions, UniqueCall } from "./uniqueness.ts";

/** Options of one call; they override those of the task's declaration. Seconds, as in Celery. */
export interface CallOptions extends PaceOptions {
  /** Run at the earliest this many seconds from now. Not together with `eta`. */
  readonly countdown?: number;
  /** Run at the earliest at this time. A time in the past runs now. */
  readonly eta?: Date;
  /** Don't start after this time (Date) or this many seconds from now: the task is REVOKED instead. */
  readonly expires?: Date | number;
  readonly queue?: string;
  readonly priority?: number;
  readonly maxRetries?: number | null;
  readonly softTimeLimit?: number;
  readonly timeLimit?: number;
  readonly ignoreResult?: boolean;
  /** Seconds after its end for which the result may be read. */
  readonly resultExpires?: number;
  /** Whom or what the call is for, instead of what the task's declaration says. */
  readonly key?: string;
  /** What the task can be found, revoked and searched by (Celery's stamps): at most 10. */
  readonly labels?: Readonly<Record<string, string>>;
  /**
   * Called when this task fails for good, once each, in the transaction of the failure (Celery's
   * `link_error`). Their first positional argument is the id of the task that failed.
   */
  readonly linkError?: readonly Signature[];
  /** True: as declared, else by the arguments; false: not, whatever is declared. */
  readonly unique?: boolean | UniqueCall;
}

export type SignatureOptions = CallOptions;

/** Tells signatures of tasks with different results apart for the type checker; never set. */
declare const resultType: unique symbol;

/**
 * A call as a value: which task, with which arguments and options. Plain JSON with Celery's keys, so
 * that it may be stored and sent.
 */
export interface Signature<Result = unknown> {
  readonly task: string;
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly options: SignatureOptions;
  readonly subtask_type: null;
  readonly immutable: boolean;
  readonly [resultType]?: Result;
}

export function signature<Result>(
  task: string,
  kwargs: Readonly<Record<string, unknown>>,
  options: SignatureOptions = {},
): Signature<Result> {
  return { task, args: [], kwargs, options, subtask_type: null, immutable: false };
}

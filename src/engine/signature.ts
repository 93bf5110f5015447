import type { PaceOptions, UniqueCall } from "./uniqueness.ts";

/** A signature that will get its first argument later, or needs none. */
type Callable = Signature<unknown, never, unknown>;

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
  /** The slot of the schedule whose call it is. */
  readonly slot?: Date;
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
  readonly linkError?: readonly Callable[];
  /** Called when this succeeds, once each: with its result as their first argument (Celery's `link`). */
  readonly link?: readonly Callable[];
  /**
   * The task that takes back what this one did: called with its result as the first argument when the chain
   * that it is a link of fails later.
   */
  readonly undo?: Callable;
  /**
   * Who outside is told of the end of this task or canvas, however it ends. Only for what is called by itself:
   * not for members of a canvas, callbacks and undos.
   */
  readonly callbackUrl?: string;
  /**
   * Of a group: "fail" (default), one failed member fails it when all have ended; "collect", it succeeds,
   * and in the list of results the failed ones stand as `{"error": {exc_type, exc_message, task_id}}`.
   */
  readonly errors?: "fail" | "collect";
  /** True: as declared, else by the arguments; false: not, whatever is declared. */
  readonly unique?: boolean | UniqueCall;
}

export type SignatureOptions = CallOptions;

/** Tells signatures apart for the type checker; never set. */
declare const resultType: unique symbol;
declare const takenType: unique symbol;
declare const lackingType: unique symbol;

/**
 * A call as a value: which task, with which arguments and options. Plain JSON with Celery's keys, so
 * that it may be stored and sent. A canvas is one too: its members stand in its arguments.
 * `Taken`: what it takes from the link before it (never: nothing; unknown: anything, it is immutable).
 * `Lacking`: the required parameters that are not given yet (never: it can be called as it is).
 */
export interface Signature<Result = unknown, Taken = never, Lacking = never> {
  readonly task: string;
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly options: SignatureOptions;
  readonly subtask_type: "chain" | "group" | "chord" | null;
  /** True: it takes nothing from the link before it. */
  readonly immutable: boolean;
  readonly [resultType]?: Result;
  readonly [takenType]?: (taken: Taken) => void;
  readonly [lackingType]?: Lacking;
}

/** Parameters that have to be given. */
type Required<Input> = {
  [Key in keyof Input]-?: string extends Key
    ? never
    : Partial<Pick<Input, Key>> extends Pick<Input, Key>
      ? never
      : Key;
}[keyof Input];

type IsUnion<T, Each = T> = T extends unknown ? ([Each] extends [T] ? false : true) : never;

/** What the link before may give: the one required parameter that is left. */
type TakenBy<Input, Given> = [Exclude<Required<Input>, keyof Given>] extends [never]
  ? never
  : IsUnion<Exclude<Required<Input>, keyof Given>> extends true
    ? never
    : Input[Exclude<Required<Input>, keyof Given>];

/** The signature of a task with some of its arguments. */
export type Partially<Input, Given, Result> = Signature<
  Result,
  TakenBy<Input, Given>,
  Exclude<Required<Input>, keyof Given>
>;

/** A signature of whatever type it is said to be. */
export function signatureOf<Result, Taken, Lacking>(
  task: string,
  kwargs: Readonly<Record<string, unknown>>,
  options: SignatureOptions,
  immutable: boolean,
): Signature<Result, Taken, Lacking> {
  return { task, args: [], kwargs, options, subtask_type: null, immutable };
}

/** A complete call by name. */
export function signature<Result>(
  task: string,
  kwargs: Readonly<Record<string, unknown>>,
  options: SignatureOptions = {},
): Signature<Result> {
  return signatureOf(task, kwargs, options, false);
}

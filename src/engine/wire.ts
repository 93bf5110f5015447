import type { Callback, CanvasRef, EndCallback, InputRef, Plan } from "./canvas/plan.ts";
import type { CanvasTree } from "./canvas/tree.ts";
import type { ErrorInfo } from "./errors.ts";
import type { LogLine, ReportedState } from "./reports.ts";
import type { State, TerminalState } from "./states.ts";
import type { StepRecord, StepSummary } from "./steps.ts";

/*
 * What travels between the API, the ledger and the consumers. JSON texts (`kwargs`, `result`) are
 * carried as text: the ledger never looks into them.
 */

/** Options of a call that only its consumer needs; absent keys mean the task's declaration decides. */
export interface RunOptions {
  readonly max_retries?: number | null;
  readonly soft_time_limit?: number;
  readonly time_limit?: number;
  readonly ignore_result?: boolean;
  /** The key, if the call brought it. */
  readonly key?: string;
  /** Seconds after its end for which its result may be read; absent: as long as it is kept. */
  readonly result_expires?: number;
  /** The slot of the schedule that called it, ISO 8601. */
  readonly slot?: string;
  /** What it can be found by; Celery's stamps. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The trace that it belongs to, 32 hex digits; absent: it begins one, see trace.ts. */
  readonly trace?: string;
  /** The dead letter that this task replays. */
  readonly replay_of?: string;
  /** What is started in the transaction in which this one fails for good. */
  readonly link_error?: readonly Callback[];
  /** What is started in the transaction in which this one succeeds. */
  readonly link?: readonly Callback[];
  /** What is started in the transaction in which this one ends, however it ends. */
  readonly callback?: EndCallback;
  /** Present: it tells of another's end. Who calls off all that fits something does not mean it. */
  readonly tells_end?: true;
  readonly canvas?: CanvasRef;
  /** Of a canvas: how it is built, and the id that its members' count up from, where that is not its own. */
  readonly tree?: CanvasTree;
  readonly base?: string;
  /** Present: its result is a list that is too large to be kept with it, and is made of its members'. */
  readonly joined?: true;
  /** An argument that is kept elsewhere, because it is too large for the task's row. */
  readonly input?: InputRef;
  /** The key of its uniqueness, which the ledger releases when the task ends. */
  readonly unique_key?: string;
}

/** Which other calls a call must not be doubled with; decided by the ledger, by its clock. */
export interface UniqueRule {
  /** Stands for what the calls have in common; 32 hex digits. */
  readonly key: string;
  readonly keep: "first" | "replace";
  /** The key stays taken this long after the submit, ended or not; 0: not by time. */
  readonly holdMs: number;
  /** The key stays taken until the task has ended. */
  readonly isHeldOpen: boolean;
  /** Due this long after the newest call, and `maxMs` after the first at the latest (null: no matter). */
  readonly debounce: { readonly waitMs: number; readonly maxMs: number | null } | null;
}

/** A task as it is submitted: validated, with its id and everything the ledger decides by. */
export interface TaskSpec {
  readonly id: string;
  readonly name: string;
  readonly queue: string;
  /** 0 … 9, higher first. */
  readonly priority: number;
  /** The arguments by name, as JSON text of an object. */
  readonly kwargs: string;
  /** Who submitted it: only they (and admins) see it. */
  readonly owner: string;
  /** Whom or what it is for, to share and to limit by; null: none. */
  readonly key: string | null;
  /** Earliest start, epoch ms; null: at once. */
  readonly dueAt: number | null;
  /** Not to be started after this, epoch ms; null: never expires. */
  readonly expiresAt: number | null;
  readonly options: RunOptions;
  /**
   * For an id that may come twice (given by the caller, or relayed from an outbox): the hash of the
   * call. The ledger then looks into the history too, and a second submit is told whether it is the
   * same call. Null: the id was minted for this submit alone.
   */
  readonly fingerprint: string | null;
  /** Absent: it is a task whatever others there are. */
  readonly unique?: UniqueRule;
  /** Of a canvas: what it is made of. The task stands for the whole, and nobody claims it. */
  readonly plan?: Plan;
}

/**
 * - `accepted`: committed, this submit made the task.
 * - `exists`: the same call was committed before.
 * - `conflict`: the id is taken by a call with other content.
 * - `busy`: another submit of this id is being looked up right now; ask again.
 * - or the task that the call is one with, by its unique key.
 */
export type SubmitAnswer = "accepted" | "exists" | "conflict" | "busy" | Merged;

/** A call that became no task of its own: `duplicate`, it changed nothing; `replaced`, its content won. */
export interface Merged {
  readonly mergedInto: string;
  readonly how: "duplicate" | "replaced";
}

/** What is to change of a task that waits; absent: stays as it is. */
export interface Reschedule {
  /** Earliest start, epoch ms. */
  readonly dueAt?: number;
  readonly priority?: number;
  readonly queue?: string;
}

/** The task afterwards. `running`, `ended` and `expires` (it would be due too late): nothing changed. */
export interface Rescheduled {
  readonly task: TaskRecord;
  readonly answer: "rescheduled" | "running" | "ended" | "expires";
}

/** A task in a consumer's hands: what it needs to run one attempt. */
export interface ClaimedTask {
  readonly id: string;
  readonly name: string;
  readonly kwargs: string;
  readonly owner: string;
  readonly options: RunOptions;
  readonly attempt: number;
  readonly retries: number;
  /** True: it has steps or events, which its consumer asks for. */
  readonly isDurable?: true;
  /** True: others wait for its place, or for its end, so its outcome is to be settled at once. */
  readonly isAwaited?: true;
  /** True: others get its result, also where it is not kept. */
  readonly passesOn?: true;
}

/** A result that is too large for a row: where it is kept, and the bytes of its JSON. */
export interface LargeResult {
  readonly key: string;
  readonly bytes: number;
}

/** How one attempt ended: the closed set that a consumer reports and the ledger applies. */
export type Outcome =
  /** `large`: the result is kept elsewhere. */
  | {
      readonly kind: "success";
      readonly result: string | null;
      readonly large?: LargeResult;
      /** True: for those that get it, and not to be kept with the task. */
      readonly isIgnored?: true;
      /** Members that it adds to the group it is in. */
      readonly adds?: readonly Plan[];
    }
  | { readonly kind: "ignore" }
  | { readonly kind: "retry"; readonly delayMs: number; readonly error: ErrorInfo }
  | { readonly kind: "failure"; readonly error: ErrorInfo }
  /** It goes on at `wakeAt` (epoch ms; null: not by time), or when one of the events comes. */
  | {
      readonly kind: "suspend";
      readonly wakeAt: number | null;
      readonly events: readonly string[];
      /** Steps that wait, to be recorded with it. */
      readonly steps: readonly StepRecord[];
    }
  /** The task becomes a canvas, and ends as that does. Its members' ids count up from `base`. */
  | { readonly kind: "replace"; readonly plan: Plan; readonly base: string };

/** An outcome with the task and the lease token it was run under. */
export interface Settlement {
  readonly id: string;
  readonly token: number;
  readonly outcome: Outcome;
  /** How long the handler ran, ms. */
  readonly runtimeMs: number;
  /** What the attempt logged; absent: nothing. */
  readonly logs?: readonly LogLine[];
}

/** One attempt as it is kept. `outcome` null: it is running. */
export interface AttemptRecord {
  readonly attempt: number;
  /** Epoch ms, the ledger's clock. */
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly outcome:
    | "success"
    | "retry"
    | "failure"
    | "lost"
    | "revoked"
    | "suspended"
    | "ignored"
    | null;
  readonly error: ErrorInfo | null;
  /** Its log lines, oldest first; absent: none. */
  readonly logs?: readonly LogLine[];
}

/** Why a task has not started, or does not go on, yet. Times are epoch ms. */
export type Waiting =
  /** It sleeps, or waits for the next try of a step. */
  | { readonly reason: "sleep" | "step_retry"; readonly name: string; readonly until: number }
  /** It waits for an event; null: without end. */
  | { readonly reason: "event"; readonly name: string; readonly until: number | null }
  /** It is a canvas, or was replaced with one: it waits for its members. */
  | { readonly reason: "members" }
  /** It is not due before then. */
  | { readonly reason: "eta"; readonly until: number }
  /** Its queue is not consumed, or nothing is. */
  | { readonly reason: "paused"; readonly queue: string }
  | { readonly reason: "shutdown" }
  /** Too many that ended wait for D1: its shard starts nothing until it has taken them. */
  | { readonly reason: "history_behind" }
  /** Too many have started lately: its turn comes about then, after `ahead` others of this shard. */
  | {
      readonly reason: "rate_limit";
      readonly key: string | null;
      readonly until: number | null;
      readonly ahead: number;
    }
  /** Enough run already: those that are named, and `ahead` others of this shard are before it. */
  | {
      readonly reason: "concurrency";
      readonly key: string | null;
      readonly limit: number;
      readonly holders: readonly string[];
      readonly ahead: number;
    }
  /** Its consumer was lost: it is run alone, when a consumer is idle. */
  | { readonly reason: "suspect" }
  /** So many due tasks of its queue are before it in this shard; 0: a consumer is on its way. */
  | { readonly reason: "backlog"; readonly queue: string; readonly ahead: number };

/** Everything known about a task, wherever it is kept. Times are epoch ms. */
export interface TaskRecord {
  readonly id: string;
  readonly name: string;
  readonly queue: string;
  readonly priority: number;
  readonly state: State;
  readonly owner: string;
  /** JSON text of an object. */
  readonly kwargs: string;
  /** JSON text; null without a result. */
  readonly result: string | null;
  /** Of a result that is kept elsewhere, and not here; absent otherwise. */
  readonly large?: LargeResult;
  /** Of the last attempt that failed; null if none did. */
  readonly error: ErrorInfo | null;
  readonly options: RunOptions;
  readonly retries: number;
  readonly submittedAt: number;
  /** Earliest start of the attempt that is next or was last; null if it was due at once. */
  readonly dueAt: number | null;
  readonly expiresAt: number | null;
  /** The newest attempts, oldest first (at most `MAX_KEPT_ATTEMPTS`). */
  readonly attempts: readonly AttemptRecord[];
  /** Null until the state is terminal. */
  readonly finishedAt: number | null;
  /** True: it ran out of attempts and waits for a person (an attribute, not a state). */
  readonly isDeadLettered: boolean;
  /** See `TaskSpec`; of a call that was merged, followed by a line break and the id of the other task. */
  readonly fingerprint: string | null;
  /** What became of a dead letter: `discarded`, or `replayed:` and the new task's id; absent: nothing. */
  readonly resolution?: string;
  /** Of a task that waits, when it was read for somebody who asks why. */
  readonly waiting?: Waiting;
  /** Its durable steps, oldest first, the newest MAX_SHOWN_STEPS of them; absent: it has none. */
  readonly steps?: readonly StepSummary[];
  /** What the running attempt said of itself last; absent: nothing. */
  readonly reported?: ReportedState;
}

/** A task that ended: how the history keeps it. */
export type FinishedTask = TaskRecord & {
  readonly state: TerminalState;
  readonly finishedAt: number;
};

/** Attempts kept with a task; older ones are dropped, their number is not. */
export const MAX_KEPT_ATTEMPTS = 20;
/*
 * Bytes of UTF-8. A finished task waits for D1 as JSON within JSON, which may double it, in a row that
 * takes 2,000,000 bytes in production (the local database takes more): all of it fits together, with
 * the errors of 20 attempts and the log lines of a task (reports.ts), which are not doubled. A unit test
 * puts the largest of all into one row. What a running attempt reports (MAX_META_BYTES) gets into none.
 */
/** JSON text of the arguments of one task. */
export const MAX_KWARGS_BYTES = 256 * 1_024;
/** JSON text of the callbacks, and of the errbacks, of one task. */
export const MAX_LINKS_BYTES = 32 * 1_024;
/** JSON text of a result that is kept with its task. */
export const MAX_RESULT_BYTES = 256 * 1_024;
/** JSON text of any result: a consumer holds it in memory, and others beside it. */
export const MAX_LARGE_RESULT_BYTES = 25 * 1_024 * 1_024;

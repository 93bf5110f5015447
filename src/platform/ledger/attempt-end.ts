import {
  describeError,
  LovageError,
  MAX_CANVAS_BYTES,
  MAX_CANVAS_NODES,
  TaskRevokedError,
  transition,
  type AttemptRecord,
  type ErrorInfo,
  type LargeResult,
  type LogLine,
  type Outcome,
  type Plan,
  type State,
  type TaskEvent,
  type Value,
} from "#engine";
import type { LiveReports } from "./memory/reports.ts";
import type { TaskRow } from "./rows.ts";
import type { End } from "./canvas/sequels.ts";

/** How an attempt under a lease ended. */
export interface AttemptEnd {
  readonly event: "succeed" | "fail" | "ignore" | "retry" | "suspend" | "lose";
  /** Of a success: its result is not to be kept; members that it adds to its group. */
  readonly isIgnored?: boolean;
  readonly adds?: readonly Plan[];
  /** Of a suspended one: the canvas that it becomes. */
  readonly replacement?: Extract<Outcome, { kind: "replace" }>;
  /** JSON text, of a success. */
  readonly result: string | null;
  readonly large?: LargeResult;
  readonly error: ErrorInfo | null;
  /** Until the next attempt, of a retry. */
  readonly delayMs: number;
  readonly runtimeMs: number;
  /** What a suspended one waits for. */
  readonly suspension?: Extract<Outcome, { kind: "suspend" }>;
  /** Absent: none, or nobody knows: what was reported last counts. */
  readonly logs?: readonly LogLine[];
}

/** A canvas's result as it is kept with it; a list that is too large stays with the members. */
export function resultOf(value: Value): Pick<End, "result" | "large"> {
  if ("large" in value) return { large: value.large };
  return "text" in value ? { result: value.text } : {};
}

/** Of a task that adds more members than its canvas takes. */
export const CANVAS_FULL = {
  event: "fail",
  result: null,
  error: withoutLedgerStack(
    describeError(
      new LovageError(
        "canvas_full",
        `A canvas takes at most ${MAX_CANVAS_NODES} parts and ${MAX_CANVAS_BYTES} bytes of JSON.`,
      ),
    ),
    true,
  ),
} as const;

/** An attempt as it ends. */
export type EndedAttempt = Pick<AttemptRecord, "startedAt" | "outcome" | "error" | "logs"> & {
  readonly finishedAt: number;
};

/**
 * The record of an attempt that ends now, with its log: what came with its end, else what was reported last.
 * Reports forget it.
 */
export function endedAttempt(
  task: TaskRow,
  reports: LiveReports,
  end: EndedAttempt,
): AttemptRecord {
  const { logs, ...record } = end;
  const attempt = { attempt: task.attempts_made + 1, ...record };
  const reported = reports.end(task.id);
  const kept = logs ?? reported?.logs ?? null;
  return kept === null ? attempt : { ...attempt, logs: kept };
}

/** What a task leaves that never ran. */
export const NOTHING = { result: null, attempt: null, steps: null };

export const REASON_OF = {
  revoke: "revoked",
  terminate: "terminated",
  expire: "expired",
} as const;

export const OUTCOME_OF = {
  succeed: "success",
  fail: "failure",
  ignore: "ignored",
  retry: "retry",
  suspend: "suspended",
  lose: "lost",
} as const;

/** The state after an event that the caller knows to be possible. */
export function after(state: State, event: TaskEvent): State {
  const next = transition(state, event);
  if (next === null) throw new Error(`No transition from ${state} on ${event}.`);
  return next;
}

export function revokedBy(reason: "revoked" | "terminated" | "expired"): ErrorInfo {
  return withoutLedgerStack(describeError(new TaskRevokedError(reason)), true);
}

/** An error the ledger itself made has no stack worth keeping. */
export function withoutLedgerStack<Info extends ErrorInfo | null>(
  error: Info,
  isOwn: boolean,
): Info {
  return error === null || !isOwn ? error : { ...error, traceback: null };
}

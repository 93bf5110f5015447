import {
  MAX_KEPT_ATTEMPTS,
  type AttemptRecord,
  type ErrorInfo,
  type FinishedTask,
  type LargeResult,
  type Outcome,
  type TaskSpec,
  type TerminalState,
} from "#engine";
import { systemClock } from "#platform/system.ts";

export const EAGER_STATE_OF = {
  success: "SUCCESS",
  ignore: "IGNORED",
  failure: "FAILURE",
  // Sleeps and waits are over at once here: nothing suspends.
  suspend: "FAILURE",
} as const;

export function attemptOutcome({ kind }: Outcome): AttemptRecord["outcome"] {
  if (kind === "ignore") return "ignored";
  return kind === "suspend" || kind === "replace" ? "suspended" : kind;
}

/** A task that ran in its caller, as a deployment would keep it. */
export function recordOf(
  spec: TaskSpec,
  end: {
    readonly state: TerminalState;
    readonly result: string | null;
    readonly error: ErrorInfo | null;
    readonly attempts: readonly AttemptRecord[];
    readonly submittedAt: number;
    readonly large?: LargeResult | undefined;
  },
): FinishedTask {
  const { state, result, error, attempts, submittedAt, large } = end;
  const { unique: _unique, key: _key, plan: _plan, ...same } = spec;
  return {
    ...same,
    state,
    result,
    error,
    retries: Math.max(0, attempts.length - 1),
    submittedAt,
    attempts: attempts.slice(-MAX_KEPT_ATTEMPTS),
    finishedAt: systemClock.now(),
    isDeadLettered: state === "FAILURE" && attempts.length > 0,
    ...(large !== undefined && { large }),
  };
}

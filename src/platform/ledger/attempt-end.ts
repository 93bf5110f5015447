import type { ErrorInfo, LargeResult, LogLine, Outcome } from "#engine";

/** How an attempt under a lease ended. */
export interface AttemptEnd {
  readonly event: "succeed" | "fail" | "ignore" | "retry" | "suspend" | "lose";
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

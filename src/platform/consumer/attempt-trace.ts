import { isSampled, traceIdOf, type ClaimedTask, type Outcome } from "#engine";
import type { Exchange } from "../ledger/protocol.ts";
import { noSpans, type Spans } from "../trace/spans.ts";
import { traceScope } from "../trace/trace-scope.ts";

/** Runs an attempt as part of its task's trace, and as a span where that is recorded. */
export function inTrace<T>(spans: Spans = noSpans, task: ClaimedTask, run: () => T): T {
  return traceScope.run(traceIdOf(task), () => spans("attempt", () => attemptFields(task), run));
}

/** Settling and claiming are one call, and one span. */
export function exchangeSpan<T>(
  spans: Spans = noSpans,
  { queue, settlements, claim }: Exchange,
  call: () => T,
): T {
  return spans("exchange", () => ({ queue, settled: settlements.length, claim }), call);
}

/** What everything that is said of an attempt has in common. */
function attemptFields(task: ClaimedTask) {
  const { id, name, attempt } = task;
  return { task_id: id, trace_id: traceIdOf(task), name, attempt };
}

/**
 * Logs how an attempt ended: never its arguments, its result, nor what an error says. Those that failed always,
 * others as often as `sampling` says, and then all of a trace.
 * @param sampling from 0 to 1; undefined: none
 */
export function logEnd(
  log: (event: string, fields: Record<string, unknown>) => void,
  sampling: number | undefined,
  task: ClaimedTask,
  outcome: Outcome,
  runtimeMs: number,
): void {
  const { kind } = outcome;
  const isError = kind === "retry" || kind === "failure";
  if (!isError && !isSampled(traceIdOf(task), sampling ?? 0)) return;
  log(isError ? "attempt_failed" : "attempt", {
    ...attemptFields(task),
    outcome: kind,
    runtime_ms: runtimeMs,
    ...(isError && { exc_type: outcome.error.exc_type }),
  });
}

import { LovageError, type Schedule, type ScheduleRun } from "#engine";
import type { PlannedRun } from "./tick-plan.ts";

/** What became of one: its task; or why it can't be one. Null: not known, it is to be asked again. */
export type RunAnswer = { readonly taskId: string } | { readonly refused: string } | null;

/** Of a slot that its overlap policy leaves out. */
export const NOT_RUN = "the run before it was unfinished";

/** A run as it is kept. */
export function runOf(
  run: PlannedRun,
  answer: NonNullable<RunAnswer>,
  now: number,
  kind: ScheduleRun["kind"],
): ScheduleRun {
  return {
    schedule: run.schedule.name,
    slot: run.slot,
    kind,
    fired_at: now,
    task_id: "taskId" in answer ? answer.taskId : null,
    note: "refused" in answer ? answer.refused : null,
  };
}

export function skippedRun({ name }: Schedule, slot: number, now: number): ScheduleRun {
  return { schedule: name, slot, kind: "slot", fired_at: now, task_id: null, note: NOT_RUN };
}

/** Whether a schedule is still the one that was planned for. */
export function isSame(current: Schedule | null, schedule: Schedule): current is Schedule {
  return current?.id === schedule.id && current.version === schedule.version;
}

export function unavailable(): LovageError {
  return new LovageError("ledger_unavailable", "The ledger can't be reached just now.", {
    retryable: true,
  });
}

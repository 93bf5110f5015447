import { dueSlots, type DueSlots, type Schedule } from "#engine";

/** A run that is to become a task. The same key is the same task, however often it is submitted. */
export interface PlannedRun {
  readonly schedule: Schedule;
  readonly slot: number;
  readonly key: string;
}

/** What a tick does with one schedule. */
export interface TickPlan {
  readonly schedule: Schedule;
  readonly due: DueSlots;
  readonly runs: readonly PlannedRun[];
  /** Slots that are not to be run: the run before them was unfinished. */
  readonly skipped: readonly number[];
  /** The one that waits for it; null: none does. */
  readonly queued: number | null;
}

/** @param isBusy whether a task has not ended yet */
export async function planTick(
  schedule: Schedule,
  now: number,
  isBusy: (taskId: string) => Promise<boolean>,
): Promise<TickPlan> {
  const { queuedSlot: queued, overlap, lastTaskId } = schedule;
  const runOf = (slot: number) => ({ schedule, slot, key: slotKey(schedule, slot) });
  // It may run: before that is known, it alone is asked for.
  if (schedule.askedSlot !== null) return askedAgain(schedule, runOf(schedule.askedSlot));
  const due = dueSlots(schedule, now);
  const slots = queued === null ? due.slots : [queued, ...due.slots];
  const all = { schedule, due, runs: slots.map(runOf), skipped: [], queued: null };
  const [first, ...others] = slots;
  if (overlap === "allow" || first === undefined) return all;
  // One at a time: the first of them now, of the others the last at most.
  const isFree = lastTaskId === null || !(await isBusy(lastTaskId));
  const waiting = isFree ? others : slots;
  const kept = overlap === "queue" ? (waiting.at(-1) ?? null) : null;
  return {
    ...all,
    runs: isFree ? [runOf(first)] : [],
    skipped: waiting.filter((slot) => slot !== kept),
    queued: kept,
  };
}

/** It was the oldest that was due: what is before it is dealt with. */
function askedAgain(schedule: Schedule, run: PlannedRun): TickPlan {
  const { slot } = run;
  const queued = schedule.queuedSlot === slot ? null : schedule.queuedSlot;
  const due = { slots: [slot], lastSlot: Math.max(schedule.lastSlot, slot) };
  return { schedule, due, runs: [run], skipped: [], queued };
}

/** One slot of one schedule is one task, whoever submits it. */
export function slotKey({ id }: Schedule, slot: number): string {
  return JSON.stringify([id, "slot", slot]);
}

/** So is a run that somebody asked for. */
export function runKey({ id }: Schedule, key: string): string {
  return JSON.stringify([id, "run", key]);
}

import { dueSlots, followingSlot, type DueSlots, type Schedule } from "#engine";
import type { BeatPorts } from "./task-beat.ts";

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

/** A schedule that can't go on now is looked at again after half of what it is late, within these. */
export const FIRST_RETRY_MS = 1_000;
export const MAX_RETRY_MS = 60_000;

/** Null: whether its last run has ended, and so what is to be done, can't be known just now. */
export async function planTick(
  schedule: Schedule,
  now: number,
  ports: Pick<BeatPorts, "isUnfinished" | "log">,
): Promise<TickPlan | null> {
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
  const isFree = lastTaskId === null || (await hasEnded(lastTaskId, ports));
  if (isFree === null) return null;
  const waiting = isFree ? others : slots;
  const kept = overlap === "queue" ? (waiting.at(-1) ?? null) : null;
  return {
    ...all,
    runs: isFree ? [runOf(first)] : [],
    skipped: waiting.filter((slot) => slot !== kept),
    queued: kept,
  };
}

async function hasEnded(
  taskId: string,
  ports: Pick<BeatPorts, "isUnfinished" | "log">,
): Promise<boolean | null> {
  try {
    return !(await ports.isUnfinished(taskId));
  } catch (error) {
    ports.log("overlap_unknown", { task_id: taskId, error });
    return null;
  }
}

/** The first slot that a schedule has not dealt with; null: there is none. */
export function oldestSlot(schedule: Schedule): number | null {
  return schedule.queuedSlot ?? followingSlot(schedule);
}

/** When a schedule is looked at again whose oldest slot can't be dealt with now, epoch ms. */
export function retryAt(slot: number, now: number): number {
  return Math.round(now + Math.max(FIRST_RETRY_MS, Math.min(MAX_RETRY_MS, (now - slot) / 2)));
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

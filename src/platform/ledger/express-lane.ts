import { MAX_EXPRESS_SECONDS, type TaskSpec } from "#engine";
import type { Memory } from "./memory/memory.ts";
import { hasDue } from "./sources.ts";
import { gateFor } from "./submit.ts";

/** Express leases of one queue that live at once; what comes on top is a consumer's. */
const MAX_EXPRESS_LEASES = 4;
/** A consumer that found several tasks at once keeps the lane closed this long. */
const BUSY_MS = 1_000;

/**
 * Decides whether the invocation that submits a task may run it: the caller takes the place of a doorbell. Only
 * where a bell would ring for that task alone; where consumers find several tasks at once they are cheaper, and the
 * lane is closed. How busy its queues are it knows in memory only: after a restart it may open a second too early.
 */
export class ExpressLane {
  readonly #busyUntil = new Map<string, number>();

  /** A consumer's claim got so many tasks. */
  claimed(queue: string, count: number, now: number): void {
    if (count > 1) this.#busyUntil.set(queue, now + BUSY_MS);
  }

  /** To be asked before the task is inserted, in the same transaction. */
  isOpenFor(memory: Memory, spec: TaskSpec, now: number): boolean {
    const { controls, leases } = memory;
    const { name, queue, options } = spec;
    if ((spec.expiresAt ?? Infinity) <= now) return false;
    if (spec.dueAt !== null || gateFor(memory, spec) !== "") return false;
    if (controls.isPaused(queue) || now < (this.#busyUntil.get(queue) ?? 0)) return false;
    // The invocation knows the limits of the call and of the declaration, but not those that operators set.
    const limit = options.time_limit ?? controls.current.timeLimits[name]?.hard ?? 0;
    if (limit > MAX_EXPRESS_SECONDS) return false;
    return leases.expressOn(queue) < MAX_EXPRESS_LEASES && !hasDue(memory, queue, now);
  }
}

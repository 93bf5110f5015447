import { LATEST_ALARM, REMEMBERS_MS } from "../idle.ts";
import { Doorbells } from "./bells.ts";
import type { Changes } from "./changes.ts";
import { isStopped, type Memory } from "./memory/memory.ts";
import type { LedgerPorts } from "./ports.ts";
import { hasDue, oldestDue, waitsAtGate } from "./sources.ts";

/**
 * How many tasks one consumer is expected to deal with before another is called, and how many leases of consumers
 * there may be on a queue: more would only wait for each other. Of those that run many tasks at a time, and few.
 */
const WIDE = { tasks: 250, leases: 16 };
const NARROW = { tasks: 50, leases: 64 };
/** A consumer that claimed less than this ago is expected back for more without a bell. */
const BACK_SOON_MS = 50;
/** An alarm this long overdue is taken for lost. */
const ALARM_GRACE_MS = 5_000;

/** The consumer that comes back to a queue for limited tasks. */
interface Expected {
  readonly pace: number;
  /** Epoch ms. */
  readonly at: number;
}

export interface WakeupSettings {
  /** While there is work the alarm looks after it at least this often. */
  readonly watchMs: number;
  /** Due work that no consumer claimed for this long is run without a doorbell. */
  readonly stallMs: number;
}

/**
 * Sees to it that somebody comes for every task: doorbells for the consumers, the alarm for the ledger
 * itself, and, when bells don't help, a run without one.
 */
export class Wakeups {
  readonly #ports: LedgerPorts;
  readonly #settings: WakeupSettings;
  /** Of its ledger, when it is asked for: another one after a transaction that failed. */
  readonly #memory: () => Memory;
  readonly #bells = new Doorbells();
  readonly #lastClaimAt = new Map<string, number>();
  /** Queues of which the last consumer ran few tasks at a time. */
  readonly #narrow = new Set<string>();
  readonly #rechecks = new Set<string>();
  /** Who is expected back for limited tasks, by queue: one, whoever else comes in between. */
  readonly #expected = new Map<string, Expected>();
  #lastPace = 0;
  /** The last ring failed: don't wait for a stall. */
  #isRingBroken = false;

  constructor(ports: LedgerPorts, settings: WakeupSettings, memory: () => Memory) {
    this.#ports = ports;
    this.#settings = settings;
    this.#memory = memory;
  }

  bellsAnswered(queue: string, count: number): void {
    this.#bells.answered(queue, count);
  }

  claimed(queue: string, isNarrow: boolean, now: number): void {
    this.#lastClaimAt.set(queue, now);
    if (isNarrow) this.#narrow.add(queue);
    else this.#narrow.delete(queue);
  }

  /**
   * A consumer is told to come back at this time, when the next limited task may start.
   * @returns the pace by which it is known again
   */
  expectBack(queue: string, at: number, now: number, isWanted: (now: number) => boolean): number {
    this.#lastPace = Math.max(this.#lastPace + 1, now);
    const expected = { pace: this.#lastPace, at };
    this.#expected.set(queue, expected);
    this.#ports.timers.after(at + BACK_SOON_MS - now, () => {
      this.#ringIf(queue, (then) => this.#expected.get(queue) === expected && isWanted(then));
    });
    return expected.pace;
  }

  /** When another consumer than that of this pace is expected back, epoch ms; null: none is. */
  otherBackAt(queue: string, pace: number | undefined, now: number): number | null {
    const expected = this.#expected.get(queue);
    if (expected === undefined || expected.pace === pace) return null;
    return now < expected.at + BACK_SOON_MS ? expected.at : null;
  }

  /** Whether a consumer is at the queue, or expected back. */
  isAttended(queue: string, now: number): boolean {
    if (this.otherBackAt(queue, undefined, now) !== null) return true;
    return now - (this.#lastClaimAt.get(queue) ?? 0) < BACK_SOON_MS;
  }

  /** Whether somebody is at a queue, or on the way: what comes now is left to them. */
  isServed(memory: Memory, queue: string, now: number): boolean {
    if (this.otherBackAt(queue, undefined, now) !== null) return true;
    if (!this.#bells.needsMore(queue, 1, now)) return true;
    return memory.leases.countOn(queue, now - BACK_SOON_MS).recent > 0;
  }

  /** Whoever was called, or is expected back, may be held up: rings after all if work for one more still waits then. */
  recheckSoon(queue: string): void {
    if (this.#rechecks.has(queue)) return;
    this.#rechecks.add(queue);
    this.#ports.timers.after(BACK_SOON_MS, () => {
      this.#rechecks.delete(queue);
      this.#ringIf(queue, (now) => {
        const memory = this.#memory();
        const { all } = memory.leases.countOn(queue, now);
        return all < this.#boundsOf(queue).leases && hasDue(memory, queue, now);
      });
    });
  }

  /**
   * A consumer leaves.
   * @returns whether the next one has to be called: not where another is expected back
   */
  left(queue: string, pace: number | undefined, now: number): boolean {
    this.#lastClaimAt.delete(queue);
    if (this.otherBackAt(queue, pace, now) !== null) return false;
    this.#expected.delete(queue);
    return true;
  }

  expectNobody(queue: string): void {
    this.#expected.delete(queue);
  }

  /** Limited tasks of a queue may start: somebody has to be there by this time, epoch ms. */
  opened(queue: string, by: number, now: number): void {
    const backAt = this.otherBackAt(queue, undefined, now);
    if (backAt === null || backAt > by) this.#ring(queue, 1, now);
    if (this.#lastClaimAt.has(queue)) return;
    // Tasks wait, and nobody came as far as is known. Should nobody come now, there is still leave when it looks.
    const due = oldestDue(this.#memory(), queue, now);
    if (due !== null && now - due > this.#settings.stallMs) this.arm(now + REMEMBERS_MS, now);
  }

  /** After every command: bells for what is due, the alarm for what will be. */
  afterCommand(memory: Memory, changes: Changes, now: number): void {
    for (const queue of memory.lanes.queues()) this.#callConsumers(memory, queue, now);
    for (const queue of changes.dueQueues) {
      if (!isStopped(memory, queue)) this.#ring(queue, 1, now);
    }
    const isDue = isBusy(memory) || changes.dueQueues.size > 0;
    if (isDue) this.arm(now + this.#settings.watchMs, now);
    if (changes.earliestDue !== null) this.arm(changes.earliestDue, now);
    const { nextAt } = memory.expiring;
    // What expires now and found no place in this command's batch is the next one's.
    if (nextAt !== null) this.arm(Math.max(nextAt, now + 1), now);
  }

  /** Sets the alarm unless it is set to an earlier time. */
  arm(wanted: number, now: number): void {
    const at = Math.min(wanted, LATEST_ALARM);
    const armed = this.#ports.alarm.at;
    const isLost = armed !== null && armed <= now - ALARM_GRACE_MS;
    if (armed !== null && !isLost && armed <= at) return;
    // What a lost alarm was for is not known here: the next one has to look, and soon.
    this.#ports.alarm.set(isLost ? Math.min(at, now + ALARM_GRACE_MS) : at);
  }

  /**
   * Sets the alarm to the next time anything has to happen, computed from scratch: at load, and first of
   * all in every tick, so that nothing that goes wrong later leaves the ledger without one. One that is set to
   * that time already is left: setting it would be a row.
   * @param others when the ledger's other agents have something to do; null: not
   * @param watchMs until the next look at what is due
   */
  armExactly(
    memory: Memory,
    others: readonly (number | null)[],
    now: number,
    watchMs: number,
  ): void {
    const { nextAt } = memory.expiring;
    const times = [memory.leases.nextExpiry(now), nextAt, ...others];
    let isDue = isBusy(memory) || (nextAt !== null && nextAt <= now);
    for (const queue of memory.parked.queues()) {
      times.push(memory.parked.nextDue(queue, now + 1));
      isDue ||= hasDue(memory, queue, now) || waitsAtGate(memory, queue, now);
    }
    if (isDue) times.push(now + watchMs);
    // What is due by now is done by whoever called; an alarm for it would ring again and again.
    const first = times.filter((time) => time !== null && time > now).reduce(earlier, null);
    const next = first === null ? null : Math.min(first, LATEST_ALARM);
    if (next !== null && next !== this.#ports.alarm.at) this.#ports.alarm.set(next);
  }

  /**
   * Rings for every queue with due work, as part of a tick.
   * @param calledSince since when consumers of a queue are called for starts to be asked for, epoch ms
   * @returns the queues that bells don't help: nobody claimed for long, or ringing fails
   */
  lookAfterQueues(
    memory: Memory,
    changes: Changes,
    calledSince: (queue: string) => number | null,
    now: number,
  ): string[] {
    const { stallMs } = this.#settings;
    const queues = new Set([...memory.lanes.queues(), ...memory.parked.queues()]);
    return [...queues].filter((queue) => {
      if (isStopped(memory, queue)) return false;
      const due = oldestDue(memory, queue, now);
      const oldest = earlier(due, calledSince(queue));
      if (oldest === null) return false;
      // Who is there, or comes back, is enough for starts to be asked for.
      if (due !== null || !this.isAttended(queue, now)) changes.dueQueues.add(queue);
      const isStalled =
        now - oldest > stallMs && now - (this.#lastClaimAt.get(queue) ?? 0) > stallMs;
      return isStalled || this.#isRingBroken;
    });
  }

  /** Rings once more if the work of a queue calls for more consumers than are at it or on their way. */
  #callConsumers(memory: Memory, queue: string, now: number): void {
    const waiting = memory.lanes.count(queue);
    if (waiting === 0 || isStopped(memory, queue)) return;
    const { tasks, leases } = this.#boundsOf(queue);
    const atWork = memory.leases.countOn(queue, now - BACK_SOON_MS);
    const wanted = Math.min(leases, Math.ceil(waiting / tasks)) - atWork.recent;
    if (wanted <= 0) this.recheckSoon(queue);
    else if (atWork.all < leases) this.#ring(queue, wanted, now);
  }

  #boundsOf(queue: string): typeof WIDE {
    return this.#narrow.has(queue) ? NARROW : WIDE;
  }

  /** Of a timer: storage may be out of order for a moment, nobody would catch it, and the alarm looks again. */
  #ringIf(queue: string, isWanted: (now: number) => boolean): void {
    const now = this.#ports.clock.now();
    try {
      if (isWanted(now)) this.#ring(queue, 1, now);
    } catch (error) {
      this.#ports.log("look_failed", { queue, error });
      this.arm(now + ALARM_GRACE_MS, now);
    }
  }

  #ring(queue: string, wanted: number, now: number): void {
    if (!this.#bells.needsMore(queue, wanted, now)) return;
    this.#bells.rang(queue, now);
    const ringing = this.#ports.ring(queue).then(
      () => {
        this.#isRingBroken = false;
      },
      (error: unknown) => {
        this.#isRingBroken = true;
        this.#bells.answered(queue, 1);
        this.#ports.log("ring_failed", { queue, error });
        const failedAt = this.#ports.clock.now();
        this.arm(failedAt + ALARM_GRACE_MS, failedAt);
      },
    );
    this.#ports.background(ringing);
  }
}

function earlier(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

/** Anything that the alarm has to look after, besides times known in advance. */
function isBusy(memory: Memory): boolean {
  const { lanes, leases, finished } = memory;
  if (leases.size > 0 || finished.size > 0) return true;
  // What waits in a queue that is paused is looked after when that changes.
  return [...lanes.queues()].some((queue) => lanes.count(queue) > 0 && !isStopped(memory, queue));
}

import {
  type Controls,
  type EventAnswer,
  type Reschedule,
  type Rescheduled,
  type StepEntry,
  type TaskFilter,
  type TaskRecord,
  type TaskReport,
} from "#engine";
import type { Nudge } from "../limiter/protocol.ts";
import { purgeSome, revokeSome, revokeTask, type BulkStep } from "./bulk.ts";
import { findLive, type Memory } from "./memory.ts";
import { grantClaim } from "./claim.ts";
import { pickTasks } from "./picker.ts";
import type { Exchange, ExchangeAnswer, GoneTask } from "./protocol.ts";
import { rescheduleWaiting } from "./reschedule.ts";
import type { Position } from "./selection.ts";
import { settle } from "./settle.ts";
import { hasDue, nextSlot } from "./sources.ts";
import { deliverEvent, recordStep } from "./steps.ts";
import { LedgerSubmissions } from "./submissions.ts";
import { sweepKeys } from "./uniques.ts";
import { isBusy } from "./wakeups.ts";

/** A consumer that paces limited tasks comes back after this at the earliest: for several at once. */
const MIN_PACE_MS = 8;
/** A consumer waits this long for the next limited task; beyond that a bell calls one. */
const MAX_PACED_WAIT_MS = 1_500;

/**
 * One shard of the ledger: owns the state of its tasks. Every command is one transaction over the tables
 * (schema.ts); what it keeps in memory follows from them. Time, SQL, alarm, doorbells and D1 come in as
 * ports, so the same code runs in a Durable Object and in the simulator.
 */
export class TaskLedger extends LedgerSubmissions {
  /** Settles outcomes and claims the next tasks, in one transaction. */
  exchange(request: Exchange): ExchangeAnswer {
    const { queue, claim: limit, isIdle } = request;
    this.wakeups.bellsAnswered(queue, request.bells);
    return this.command((memory, changes, now) => {
      const stale = settle(memory, changes, request.settlements);
      changes.write();
      const { leaseMs } = this.settings;
      const nothing = { tasks: [], token: 0, isSolo: false, leaseMs, againInMs: null, stale };
      if (limit <= 0) {
        if (request.isExpress === true) return nothing;
        // It may be leaving: what is still due needs another consumer, what is due in a moment one that waits for it.
        const isAlone = this.wakeups.left(queue, request.pace, now);
        const isComing = isAlone && this.#nextStart(memory, queue, now) !== null;
        if (isComing || hasDue(memory, queue, now)) changes.dueQueues.add(queue);
        return nothing;
      }
      if (memory.controls.isPaused(queue)) return nothing;
      this.wakeups.claimed(queue, request.isNarrow === true, now);
      this.gatekeeper.attended(memory, queue);
      const picked = pickTasks(this.ports.sql, memory, { queue, limit, isIdle, now });
      this.express.claimed(queue, picked.tasks.length, now);
      const claim = grantClaim(memory, changes, queue, picked, { now, leaseMs });
      const isAll = picked.tasks.length < limit;
      const again = isAll ? this.#again(memory, queue, request.pace, now) : null;
      return { ...nothing, ...claim, ...again };
    });
  }

  /**
   * Extends the leases of tasks that still run.
   * @param held the running task ids by lease token
   * @param reports what those say that have said anything: a restart forgot it
   * @returns those that are not held any more; their handlers should stop
   */
  heartbeat(
    held: ReadonlyMap<number, readonly string[]>,
    reports: readonly TaskReport[] = [],
  ): GoneTask[] {
    const answer = this.command((memory, _changes, now) => {
      const gone: GoneTask[] = [];
      for (const [token, ids] of held) {
        const kept = ids.filter((id) => memory.leases.holding(id)?.token === token);
        const lease = kept[0] === undefined ? undefined : memory.leases.holding(kept[0]);
        if (lease !== undefined) memory.leases.extend(lease, now + this.settings.leaseMs);
        for (const id of ids) {
          if (kept.includes(id)) continue;
          gone.push({ id, reason: memory.leases.wasTerminated(id) ? "revoked" : "lost" });
        }
      }
      return gone;
    });
    if (reports.length > 0) this.report(reports);
    return answer;
  }

  /**
   * Records steps of running tasks, and takes the events that they got. Safe to repeat.
   * @returns for each, false: its task does not run under this token any more, and it was not recorded
   */
  recordSteps(entries: readonly StepEntry[]): boolean[] {
    return this.command((memory, changes) =>
      entries.map((entry) => {
        const isHeld = recordStep(this.ports.sql, memory, entry);
        if (isHeld) changes.movedIds.push(entry.taskId);
        return isHeld;
      }),
    );
  }

  /** See `TaskControl.sendEvent`. */
  sendEvent(
    taskId: string,
    event: { readonly name: string; readonly payload: string; readonly key: string | null },
  ): EventAnswer {
    return this.command((memory, changes, now) =>
      deliverEvent(this.ports.sql, memory, changes, taskId, event, now),
    );
  }

  /** See `TaskControl.reschedule`. Null: no live task here, ask the history. */
  reschedule(taskId: string, change: Reschedule): Rescheduled | null {
    const answer = this.command((memory, changes, now) => {
      const row = findLive(this.ports.sql, memory, taskId);
      return row === null ? "ended" : rescheduleWaiting(memory, changes, row, change, now);
    });
    const task = this.get(taskId);
    return task === null ? null : { task, answer };
  }

  /**
   * Takes what running attempts say of themselves. Kept in memory only; what belongs to an attempt that is
   * over, or is older than what is known, changes nothing.
   */
  report(reports: readonly TaskReport[]): void {
    const memory = this.load();
    const changed = reports.filter((report) =>
      memory.reports.take(report, memory.leases.holding(report.id)),
    );
    this.reported(changed);
  }

  /** See `TaskControl.revoke`. Null: no live task here, ask the history. */
  revoke(taskId: string, terminate: boolean): TaskRecord | null {
    this.command((memory, changes) => {
      const row = findLive(this.ports.sql, memory, taskId);
      if (row !== null) revokeTask(this.ports.sql, memory, changes, row, terminate);
    });
    return this.get(taskId);
  }

  /** One step of calling off all live tasks that fit a filter. */
  revokeSome(filter: TaskFilter, from: Position, terminate: boolean): BulkStep {
    return this.command((memory, changes) =>
      revokeSome(this.ports.sql, memory, changes, filter, from, terminate),
    );
  }

  /** One step of taking all waiting tasks out of a queue. */
  purgeSome(queue: string, from: Position): BulkStep {
    return this.command((memory, changes) =>
      purgeSome(this.ports.sql, memory, changes, queue, from),
    );
  }

  /** What the alarm and the watchdog do: the next alarm, lost leases, due work, lost bells, the flush. */
  tick(): void {
    this.wakeups.armExactly(this.load(), this.agentsAt, this.now());
    const stalled = this.command((memory, changes, now) => {
      sweepKeys(this.ports.sql, now);
      const calledSince = (queue: string) => this.gatekeeper.calledSince(memory, queue, now);
      return this.wakeups.lookAfterQueues(memory, changes, calledSince, now);
    });
    for (const queue of stalled) this.runDirectly(queue);
    this.gatekeeper.tick(this.load());
    this.gatekeeper.afterCommand(this.load(), this.now());
    if (!isBusy(this.load())) this.command((memory) => memory.finished.prune());
  }

  /** Takes what operators have set, unless it knows newer. */
  configure(controls: Controls): void {
    const isNewer = this.command((memory, changes, now) => {
      if (!memory.controls.set(controls)) return false;
      for (const queue of [...memory.lanes.queues(), ...memory.parked.queues()]) {
        if (hasDue(memory, queue, now)) changes.dueQueues.add(queue);
      }
      return true;
    });
    if (!isNewer) return;
    const memory = this.load();
    this.gatekeeper.limitsChanged(memory);
    this.gatekeeper.afterCommand(memory, this.now());
  }

  /** The limiter of a task name calls: places are free, or wanted back. */
  nudge(name: string, nudge: Nudge): void {
    this.gatekeeper.nudged(this.load(), name, nudge, this.now());
  }

  /**
   * How long until the next limited task of a queue may start, if that is worth a consumer's wait; null: it is not.
   * One waits, however many come: each would be back for every start.
   */
  #again(
    memory: Memory,
    queue: string,
    pace: number | undefined,
    now: number,
  ): Pick<ExchangeAnswer, "againInMs" | "pace"> | null {
    const at = this.#nextStart(memory, queue, now);
    if (at === null) {
      this.wakeups.expectNobody(queue);
      return null;
    }
    const backAt = Math.max(now + MIN_PACE_MS, at);
    const otherAt = this.wakeups.otherBackAt(queue, pace, now);
    if (otherAt !== null && otherAt <= backAt) return null;
    const isWanted = () => this.#isComing(this.load(), queue, this.now());
    return { againInMs: backAt - now, pace: this.wakeups.expectBack(queue, backAt, now, isWanted) };
  }

  /** When a limited task of a queue may start, or a start be asked for, if that is soon; epoch ms. */
  #nextStart(memory: Memory, queue: string, now: number): number | null {
    const end = now + MAX_PACED_WAIT_MS;
    const at = nextSlot(memory, queue, now) ?? this.gatekeeper.nextAskFor(memory, queue, end, now);
    return at === null || at > end ? null : at;
  }

  /** Whether a queue has work for a consumer, now or in a moment. */
  #isComing(memory: Memory, queue: string, now: number): boolean {
    return hasDue(memory, queue, now) || this.#nextStart(memory, queue, now) !== null;
  }
}

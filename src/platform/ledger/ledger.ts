import {
  type Controls,
  type DurableState,
  type EventAnswer,
  type KeptAt,
  type Reschedule,
  type Rescheduled,
  type StepEntry,
  type SubmitAnswer,
  type TaskFilter,
  type TaskRecord,
  type TaskReport,
  type TaskSpec,
} from "#engine";
import type { ShardHealth } from "../health/health.ts";
import type { Nudge } from "../limiter/protocol.ts";
import { purgeSome, revokeSome, revokeTask, type BulkStep } from "./bulk.ts";
import { CanvasStore } from "./canvas/canvas-store.ts";
import { LedgerCore } from "./core.ts";
import { Exchanges } from "./exchanges.ts";
import { ExpressLane } from "./express-lane.ts";
import { calledSince } from "./limits/gate-needs.ts";
import { findLive } from "./memory/memory.ts";
import type { LedgerPorts, SqlPort } from "./ports.ts";
import {
  DEFAULT_LEDGER_SETTINGS,
  type Exchange,
  type ExchangeAnswer,
  type ExpressAnswer,
  type GoneTask,
  type KeptInput,
  type LedgerSettings,
  type LedgerStats,
} from "./protocol.ts";
import { Questions } from "./questions/questions.ts";
import { rescheduleWaiting } from "./reschedule.ts";
import type { Position } from "./selection.ts";
import { hasDue } from "./sources.ts";
import { deliverEvent, readDurable, recordStep } from "./steps.ts";
import { Submissions } from "./submissions.ts";
import { sweepKeys } from "./uniques.ts";

/**
 * One shard of the ledger: owns the state of its tasks. Every command is one transaction over the tables
 * (schema.ts); what it keeps in memory follows from them. Time, SQL, alarm, doorbells and D1 come in as
 * ports, so the same code runs in a Durable Object and in the simulator.
 */
export class TaskLedger {
  /** What those who look on can ask. */
  readonly questions: Questions;
  readonly #core: LedgerCore;
  readonly #sql: SqlPort;
  readonly #submissions: Submissions;
  readonly #exchanges: Exchanges;

  constructor(ports: LedgerPorts, settings: LedgerSettings = DEFAULT_LEDGER_SETTINGS) {
    this.#core = new LedgerCore(ports, settings);
    this.#sql = ports.sql;
    this.questions = new Questions(this.#core);
    const express = new ExpressLane();
    this.#submissions = new Submissions(this.#core, express);
    this.#exchanges = new Exchanges(this.#core, express);
  }

  /**
   * Commits tasks. An id that may come twice (it has a fingerprint) and is not known here is looked up in
   * the history first, by one submit at a time: so the same call is one task, also after it has left.
   * A unique one whose key is taken is merged into the task that has it.
   * @throws LovageError `history_behind` (retryable) while D1 is too far behind; nothing is written then
   */
  async submit(specs: readonly TaskSpec[]): Promise<SubmitAnswer[]> {
    return (await this.#submissions.submit(specs, null)).answers;
  }

  /**
   * Commits one task, as `submit` does, for an invocation that can run it: where a bell would ring for it alone, it
   * gets the task under an ordinary lease instead. Rows written: as for `submit`, the lease is in the task's row. If the
   * invocation dies, the lease expires; if the answer is lost, it says so: see `withdraw`.
   * @param offer of this invocation alone
   */
  async submitToRun(spec: TaskSpec, offer: string): Promise<ExpressAnswer> {
    const { answers, claim } = await this.#submissions.submit([spec], offer);
    return { answer: answers[0] ?? "busy", claim };
  }

  /**
   * Whoever submitted a task with this offer was not told whether it got it, and will not run it: a lease on that
   * offer is lost at once, so that a consumer comes now and not when it expires; a submit that still asks the history
   * gets none. Otherwise nothing happens: safe twice, and late. Rows written: 2, those of a loss.
   */
  withdraw(taskId: string, offer: string): void {
    this.#submissions.withdraw(taskId, offer);
  }

  /** Settles outcomes and claims the next tasks, in one transaction. */
  exchange(request: Exchange): ExchangeAnswer {
    return this.#exchanges.run(request);
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
    const answer = this.#core.command((memory, _changes, now) => {
      const gone: GoneTask[] = [];
      for (const [token, ids] of held) {
        const kept = ids.filter((id) => memory.leases.holding(id)?.token === token);
        const lease = kept[0] === undefined ? undefined : memory.leases.holding(kept[0]);
        if (lease !== undefined) memory.leases.extend(lease, now + this.#core.settings.leaseMs);
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
    return this.#core.command((memory, changes) =>
      entries.map((entry) => {
        const isHeld = recordStep(this.#sql, memory, entry);
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
    return this.#core.command((memory, changes, now) =>
      deliverEvent(this.#sql, memory, changes, taskId, event, now),
    );
  }

  /** See `TaskControl.reschedule`. Null: no live task here, ask the history. */
  reschedule(taskId: string, change: Reschedule): Rescheduled | null {
    const answer = this.#core.command((memory, changes, now) => {
      const row = findLive(this.#sql, memory, taskId);
      return row === null ? "ended" : rescheduleWaiting(memory, changes, row, change, now);
    });
    const task = this.#core.get(taskId);
    return task === null ? null : { task, answer };
  }

  /**
   * Takes what running attempts say of themselves. Kept in memory only; what belongs to an attempt that is
   * over, or is older than what is known, changes nothing.
   */
  report(reports: readonly TaskReport[]): void {
    const memory = this.#core.load();
    const changed = reports.filter((report) =>
      memory.reports.take(report, memory.leases.holding(report.id)),
    );
    this.#core.reported(changed);
  }

  /** See `TaskControl.revoke`. Null: no live task here, ask the history. */
  revoke(taskId: string, terminate: boolean): TaskRecord | null {
    this.#core.command((memory, changes) => {
      const row = findLive(this.#sql, memory, taskId);
      if (row !== null) revokeTask(this.#sql, memory, changes, row, terminate);
    });
    return this.#core.get(taskId);
  }

  /** One step of calling off all live tasks that fit a filter. */
  revokeSome(filter: TaskFilter, from: Position, terminate: boolean): BulkStep {
    return this.#core.command((memory, changes) =>
      revokeSome(this.#sql, memory, changes, filter, from, terminate),
    );
  }

  /** One step of taking all waiting tasks out of a queue. */
  purgeSome(queue: string, from: Position): BulkStep {
    return this.#core.command((memory, changes) =>
      purgeSome(this.#sql, memory, changes, queue, from),
    );
  }

  /** What the alarm and the watchdog do: the next alarm, lost leases, due work, lost bells, the flush. */
  tick(): void {
    const core = this.#core;
    const { wakeups, gatekeeper } = core;
    core.armFirst();
    const stalled = core.command((memory, changes, now) => {
      sweepKeys(this.#sql, now);
      const askAt = (gate: string) => gatekeeper.askAt(gate);
      const since = (queue: string) => calledSince(memory, queue, askAt, now);
      return wakeups.lookAfterQueues(memory, changes, since, now);
    });
    for (const queue of stalled) this.#runDirectly(queue);
    gatekeeper.tick(core.load());
    gatekeeper.afterCommand(core.now());
    core.putDownIfIdle();
  }

  /** Takes what operators have set, unless it knows newer. */
  configure(controls: Controls): void {
    const paced = this.#core.command((memory, changes, now) => {
      const names = memory.controls.set(controls);
      if (names === null) return null;
      for (const queue of [...memory.lanes.queues(), ...memory.parked.queues()]) {
        if (hasDue(memory, queue, now)) changes.dueQueues.add(queue);
      }
      return names;
    });
    if (paced === null) return;
    const { gatekeeper } = this.#core;
    const memory = this.#core.load();
    gatekeeper.controlsChanged(memory, paced);
    gatekeeper.afterCommand(this.#core.now());
  }

  /** The limiter of a task name calls: places are free, or wanted back. */
  nudge(name: string, nudge: Nudge): void {
    this.#core.gatekeeper.nudged(this.#core.load(), name, nudge, this.#core.now());
  }

  /**
   * Deletes what D1 has had for a day, puts away the figures of minutes that are over, folds old ones and deletes
   * those that are older than the history: see FiguresBook. Called by the watchdog; safe to repeat.
   */
  tidy(keptDays: number): void {
    this.#core.command((memory, _changes, now) => {
      memory.finished.tidy(now, keptDays);
    });
  }

  /** Everything known about a live task or one that D1 doesn't have yet; null: ask the history. */
  get(taskId: string): TaskRecord | null {
    return this.#core.get(taskId);
  }

  /** The steps and events of a task that runs under this token; null: it doesn't any more. */
  durable(taskId: string, token: number): DurableState | null {
    const { leases } = this.#core.load();
    if (leases.holding(taskId)?.token !== token) return null;
    return readDurable(this.#sql, taskId, this.#core.now());
  }

  /** An argument that is kept for a task of this shard; null: it is gone, and so is who needed it. */
  input(at: KeptAt): KeptInput | null {
    this.#core.load();
    const found = new CanvasStore(this.#sql).input(at);
    if (found === null) return null;
    const { text, ...rest } = found;
    return { ...rest, utf8: new TextEncoder().encode(text) };
  }

  stats(): LedgerStats {
    const memory = this.#core.load();
    return {
      ready: memory.lanes.size,
      running: memory.leases.heldTasks,
      unflushed: memory.finished.size,
    };
  }

  /** How the flusher is; see `ShardHealth`. */
  get flusherHealth(): ShardHealth["flusher"] {
    return this.#core.flusherHealth;
  }

  #runDirectly(queue: string): void {
    const { ports } = this.#core;
    const run = ports.runDirectly(queue).catch((error: unknown) => {
      ports.log("direct_run_failed", { queue, error });
    });
    ports.background(run);
  }
}

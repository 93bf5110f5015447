import {
  LovageError,
  type Controls,
  type DurableState,
  type EventAnswer,
  type LiveKind,
  type Merged,
  type QueueSurvey,
  type Reschedule,
  type Rescheduled,
  type StepRecord,
  type SubmitAnswer,
  type TaskFilter,
  type TaskQuery,
  type TaskRecord,
  type TaskReport,
  type TaskSpec,
  type Waiting,
} from "#engine";
import type { Nudge } from "../limiter/protocol.ts";
import { purgeSome, revokeSome, revokeTask, type BulkStep } from "./bulk.ts";
import { Changes } from "./changes.ts";
import { expireWaiting } from "./expiry.ts";
import type { IdRange } from "../history/search.ts";
import { findTasks } from "./find.ts";
import { Flusher } from "./flusher.ts";
import { findLive, loadMemory, type Memory } from "./memory.ts";
import { Gatekeeper } from "./gatekeeper.ts";
import { Permits } from "./permits.ts";
import { pickTasks } from "./picker.ts";
import type { LedgerPorts } from "./ports.ts";
import {
  DEFAULT_LEDGER_SETTINGS,
  type Exchange,
  type ExchangeAnswer,
  type GoneTask,
  type LedgerSettings,
  type LedgerStats,
} from "./protocol.ts";
import { withReport } from "./reports.ts";
import { rescheduleWaiting } from "./reschedule.ts";
import { toClaimed, toRecord } from "./rows.ts";
import { migrate } from "./schema.ts";
import { loseExpired, settle } from "./settle.ts";
import type { Position } from "./selection.ts";
import { hasDue, nextSlot } from "./sources.ts";
import { deliverEvent, readDurable, recordStep, stepSummaries } from "./steps.ts";
import { answerIfKnown, insertTasks, sameCall } from "./submit.ts";
import { listLive, surveyQueues } from "./survey.ts";
import { submitUnique, sweepKeys } from "./uniques.ts";
import { whyWaiting } from "./waiting.ts";
import { isBusy, Wakeups } from "./wakeups.ts";

const NONE_MERGED: ReadonlyMap<string, Merged> = new Map();

/** A consumer that paces limited tasks comes back after this at the earliest: for several at once. */
const MIN_PACE_MS = 8;
/** A consumer waits this long for the next limited task; beyond that a bell calls one. */
const MAX_PACED_WAIT_MS = 1_500;

/**
 * One shard of the ledger: owns the state of its tasks. Every command is one transaction over the tables
 * (schema.ts); what it keeps in memory follows from them. Time, SQL, alarm, doorbells and D1 come in as
 * ports, so the same code runs in a Durable Object and in the simulator.
 */
export class TaskLedger {
  readonly #ports: LedgerPorts;
  readonly #settings: LedgerSettings;
  readonly #wakeups: Wakeups;
  readonly #flusher: Flusher;
  readonly #gatekeeper: Gatekeeper;
  readonly #permits = new Permits();
  /** Ids that a submit is looking up in the history right now. */
  readonly #lookups = new Set<string>();
  #memory: Memory | null = null;
  #lastNow = 0;

  constructor(ports: LedgerPorts, settings: LedgerSettings = DEFAULT_LEDGER_SETTINGS) {
    this.#ports = ports;
    this.#settings = settings;
    this.#wakeups = new Wakeups(ports, settings);
    this.#flusher = new Flusher(ports);
    this.#gatekeeper = new Gatekeeper(ports, {
      memory: () => this.#load(),
      opened: (queue) => {
        this.#wakeups.opened(queue, this.#now());
      },
      wakeAt: (at) => {
        this.#wakeups.arm(at, this.#now());
      },
    });
  }

  /**
   * Commits tasks. An id that may come twice (it has a fingerprint) and is not known here is looked up in
   * the history first, by one submit at a time: so the same call is one task, also after it has left.
   * A unique one whose key is taken is merged into the task that has it.
   * @throws LovageError `history_behind` (retryable) while D1 is too far behind; nothing is written then
   */
  async submit(specs: readonly TaskSpec[]): Promise<SubmitAnswer[]> {
    const answers = specs.map((spec) => this.#answerAtOnce(spec));
    const open = specs.filter((_spec, index) => answers[index] === null).map(({ id }) => id);
    // Until the commit nobody else can take these ids: what the history says of them holds as long.
    for (const id of open) this.#lookups.add(id);
    try {
      // Ids seen here or in the history, with the fingerprint of the call that has them.
      const taken =
        open.length > 0
          ? await this.#ports.history.fingerprints(open)
          : new Map<string, string | null>();
      const fresh = specs.filter((spec, index) => {
        if (answers[index] === null) {
          const fingerprint = taken.get(spec.id);
          answers[index] = fingerprint === undefined ? "accepted" : sameCall(fingerprint, spec);
          taken.set(spec.id, spec.fingerprint);
        }
        return answers[index] === "accepted";
      });
      const merged = this.#commit(fresh);
      if (merged.size > 0) {
        for (const [index, spec] of specs.entries()) {
          if (answers[index] === "accepted") answers[index] = merged.get(spec.id) ?? "accepted";
        }
      }
      return answers as SubmitAnswer[];
    } finally {
      for (const id of open) this.#lookups.delete(id);
    }
  }

  /** Settles outcomes and claims the next tasks, in one transaction. */
  exchange(request: Exchange): ExchangeAnswer {
    const { queue, claim: limit, isIdle } = request;
    this.#wakeups.bellsAnswered(queue, request.bells);
    return this.#command((memory, changes, now) => {
      const stale = settle(memory, changes, request.settlements);
      changes.write();
      const { leaseMs } = this.#settings;
      const nothing = { tasks: [], token: 0, isSolo: false, leaseMs, againInMs: null, stale };
      if (limit <= 0) {
        // It may be leaving: what is still due needs another consumer.
        this.#wakeups.expectNobody(queue);
        if (this.#isComing(memory, queue, now)) changes.dueQueues.add(queue);
        return nothing;
      }
      this.#wakeups.claimed(queue, now);
      if (memory.controls.isPaused(queue)) return nothing;
      const picked = pickTasks(this.#ports.sql, memory, { queue, limit, isIdle, now });
      for (const task of picked.expired) changes.revoke(task, "expire", null);
      for (const [task, gate] of picked.gated) changes.moveToGate(task, gate);
      const againInMs = picked.tasks.length < limit ? this.#againIn(memory, queue, now) : null;
      if (picked.tasks.length === 0) return { ...nothing, againInMs };
      const lease = memory.leases.grant(queue, picked.tasks, picked.isSolo, now, leaseMs);
      for (const task of picked.tasks) {
        changes.movedIds.push(task.id);
        if (task.gate !== "") changes.touchedGates.add(task.gate);
      }
      const tasks = picked.tasks.map((task) => toClaimed(task, memory.controls));
      return { ...nothing, tasks, token: lease.token, isSolo: picked.isSolo, againInMs };
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
    const answer = this.#command((memory, _changes, now) => {
      const gone: GoneTask[] = [];
      for (const [token, ids] of held) {
        const kept = ids.filter((id) => memory.leases.holding(id)?.token === token);
        const lease = kept[0] === undefined ? undefined : memory.leases.holding(kept[0]);
        if (lease !== undefined) memory.leases.extend(lease, now + this.#settings.leaseMs);
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

  /** Everything known about a live task or one that D1 doesn't have yet; null: ask the history. */
  get(taskId: string): TaskRecord | null {
    const memory = this.#load();
    const finished = memory.finished.get(taskId);
    if (finished !== undefined) return finished;
    const row = findLive(this.#ports.sql, memory, taskId);
    if (row === null) return null;
    const lease = memory.leases.holding(taskId);
    const record = withReport(
      toRecord(row, lease?.claimedAt ?? null),
      memory.reports.of(taskId, lease),
    );
    if (row.is_durable === 0) return record;
    return { ...record, steps: stepSummaries(this.#ports.sql, taskId) };
  }

  /** The steps and events of a task that runs under this token; null: it doesn't any more. */
  durable(taskId: string, token: number): DurableState | null {
    const { leases } = this.#load();
    if (leases.holding(taskId)?.token !== token) return null;
    return readDurable(this.#ports.sql, taskId, this.#now());
  }

  /**
   * Records a step of a running task, and takes the event it got. Safe to repeat.
   * @returns false: the task does not run under this token any more, and nothing was recorded
   */
  recordStep(taskId: string, token: number, step: StepRecord, eventSeq: number | null): boolean {
    return this.#command((memory, changes) => {
      const lease = memory.leases.holding(taskId);
      const task = lease?.tasks.get(taskId);
      if (lease?.token !== token || task === undefined) return false;
      recordStep(this.#ports.sql, memory, task, step, eventSeq);
      changes.movedIds.push(taskId);
      return true;
    });
  }

  /** See `TaskControl.sendEvent`. */
  sendEvent(
    taskId: string,
    event: { readonly name: string; readonly payload: string; readonly key: string | null },
  ): EventAnswer {
    return this.#command((memory, changes, now) =>
      deliverEvent(this.#ports.sql, memory, changes, taskId, event, now),
    );
  }

  /** See `TaskControl.reschedule`. Null: no live task here, ask the history. */
  reschedule(taskId: string, change: Reschedule): Rescheduled | null {
    const answer = this.#command((memory, changes, now) => {
      const row = findLive(this.#ports.sql, memory, taskId);
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
    const memory = this.#load();
    const changed = reports.filter((report) =>
      memory.reports.take(report, memory.leases.holding(report.id)),
    );
    this.#notifyOf(changed.map(({ id }) => id));
  }

  /** See `TaskControl.revoke`. Null: no live task here, ask the history. */
  revoke(taskId: string, terminate: boolean): TaskRecord | null {
    this.#command((memory, changes) => {
      const row = findLive(this.#ports.sql, memory, taskId);
      if (row !== null) revokeTask(this.#ports.sql, memory, changes, row, terminate);
    });
    return this.get(taskId);
  }

  /** One step of calling off all live tasks that fit a filter. */
  revokeSome(filter: TaskFilter, from: Position, terminate: boolean): BulkStep {
    return this.#command((memory, changes) =>
      revokeSome(this.#ports.sql, memory, changes, filter, from, terminate),
    );
  }

  /** One step of taking all waiting tasks out of a queue. */
  purgeSome(queue: string, from: Position): BulkStep {
    return this.#command((memory, changes) =>
      purgeSome(this.#ports.sql, memory, changes, queue, from),
    );
  }

  /** Why a waiting task has not started; null: it isn't here, or runs. */
  whyWaiting(taskId: string): Waiting | null {
    const memory = this.#load();
    const row = findLive(this.#ports.sql, memory, taskId);
    if (row === null || memory.leases.holding(taskId) !== undefined) return null;
    return whyWaiting(this.#ports.sql, memory, row, this.#now());
  }

  /** What every queue of this shard holds. */
  survey(): QueueSurvey[] {
    return surveyQueues(this.#ports.sql, this.#load(), this.#now());
  }

  /** Live tasks that run (`active`), are due (`reserved`) or are not due yet (`scheduled`). */
  list(kind: LiveKind, limit: number): TaskRecord[] {
    return listLive(this.#ports.sql, this.#load(), kind, limit, this.#now());
  }

  /** See `findTasks`. */
  find(query: TaskQuery, range: IdRange, limit: number): TaskRecord[] {
    return findTasks(this.#ports.sql, this.#load(), query, range, limit);
  }

  /** What the alarm and the watchdog do: the next alarm, lost leases, due work, lost bells, the flush. */
  tick(): void {
    this.#wakeups.armExactly(this.#load(), this.#agentsAt, this.#now());
    const stalled = this.#command((memory, changes, now) => {
      sweepKeys(this.#ports.sql, now);
      return this.#wakeups.lookAfterQueues(memory, changes, now);
    });
    for (const queue of stalled) this.#runDirectly(queue);
    this.#gatekeeper.tick(this.#load());
    this.#gatekeeper.afterCommand(this.#load(), this.#now());
    if (!isBusy(this.#load())) this.#command((memory) => memory.finished.prune());
  }

  /** Takes what operators have set, unless it knows newer. */
  configure(controls: Controls): void {
    const isNewer = this.#command((memory, changes, now) => {
      if (!memory.controls.set(controls)) return false;
      for (const queue of [...memory.lanes.queues(), ...memory.parked.queues()]) {
        if (hasDue(memory, queue, now)) changes.dueQueues.add(queue);
      }
      return true;
    });
    if (!isNewer) return;
    const memory = this.#load();
    this.#gatekeeper.limitsChanged(memory);
    this.#gatekeeper.afterCommand(memory, this.#now());
  }

  /** The limiter of a task name calls: places are free, or wanted back. */
  nudge(name: string, nudge: Nudge): void {
    this.#gatekeeper.nudged(this.#load(), name, nudge, this.#now());
  }

  stats(): LedgerStats {
    const memory = this.#load();
    return {
      ready: memory.lanes.size,
      running: memory.leases.heldTasks,
      unflushed: memory.finished.size,
    };
  }

  /** How long until the next limited task of a queue may start, if that is worth a consumer's wait. */
  #againIn(memory: Memory, queue: string, now: number): number | null {
    const at = nextSlot(memory, queue, now);
    if (at === null || at - now > MAX_PACED_WAIT_MS) {
      this.#wakeups.expectNobody(queue);
      return null;
    }
    this.#wakeups.expectBack(queue, at, now, () =>
      this.#isComing(this.#load(), queue, this.#now()),
    );
    return Math.max(MIN_PACE_MS, at - now);
  }

  /** Whether a queue has work for a consumer, now or in a moment. */
  #isComing(memory: Memory, queue: string, now: number): boolean {
    if (hasDue(memory, queue, now)) return true;
    const at = nextSlot(memory, queue, now);
    return at !== null && at - now <= MAX_PACED_WAIT_MS;
  }

  /** Null: it takes a look into the history to answer. */
  #answerAtOnce(spec: TaskSpec): SubmitAnswer | null {
    if (spec.fingerprint === null) return "accepted";
    const known = answerIfKnown(this.#ports.sql, this.#load(), spec);
    if (known !== null) return known;
    return this.#lookups.has(spec.id) ? "busy" : null;
  }

  /** @returns what became of those that are no tasks of their own, by their id */
  #commit(specs: readonly TaskSpec[]): ReadonlyMap<string, Merged> {
    if (specs.length === 0) return NONE_MERGED;
    if (this.#load().finished.size > this.#settings.maxUnflushed) {
      throw new LovageError("history_behind", "The history is too far behind.", {
        retryable: true,
      });
    }
    return this.#command((memory, changes, now) => {
      const { sql } = this.#ports;
      const isUnique = specs.some(({ unique }) => unique !== undefined);
      const plain = isUnique ? specs.filter(({ unique }) => unique === undefined) : specs;
      insertTasks(sql, memory, changes, plain, now);
      return isUnique ? submitUnique(sql, memory, changes, specs, now) : NONE_MERGED;
    });
  }

  /** One transaction and what follows from it. If it fails, memory is loaded again from the tables. */
  #command<T>(run: (memory: Memory, changes: Changes, now: number) => T): T {
    const memory = this.#load();
    const now = this.#now();
    const changes = new Changes(this.#ports.sql, memory, now);
    let result: T;
    try {
      result = this.#ports.sql.transaction(() => {
        loseExpired(memory, changes, now);
        expireWaiting(this.#ports.sql, memory, changes, now);
        changes.write();
        const value = run(memory, changes, now);
        changes.write();
        return value;
      });
    } catch (error) {
      this.#memory = null;
      throw error;
    }
    for (const gate of changes.touchedGates) this.#gatekeeper.touch(gate);
    this.#wakeups.afterCommand(memory, changes, now);
    this.#gatekeeper.afterCommand(memory, now);
    this.#flusher.kick(now, () => this.#memory);
    this.#notify(changes);
    return result;
  }

  /** The command is done: that a watcher can't be told does not make it fail. */
  #notify(changes: Changes): void {
    const { watchers, log } = this.#ports;
    try {
      for (const task of changes.ended) if (watchers.isWatched(task.id)) watchers.notify(task);
    } catch (error) {
      log("notify_failed", { error });
    }
    this.#notifyOf(changes.movedIds);
  }

  /** These tasks changed without an end. */
  #notifyOf(ids: readonly string[]): void {
    const { watchers, log } = this.#ports;
    try {
      for (const id of ids) {
        const task = watchers.isWatched(id) ? this.get(id) : null;
        if (task !== null) watchers.notify(task);
      }
    } catch (error) {
      log("notify_failed", { error });
    }
  }

  #runDirectly(queue: string): void {
    const run = this.#ports.runDirectly(queue).catch((error: unknown) => {
      this.#ports.log("direct_run_failed", { queue, error });
    });
    this.#ports.background(run);
  }

  /** When agents have something to do again, epoch ms. */
  get #agentsAt(): (number | null)[] {
    return [this.#flusher.retryAt, this.#gatekeeper.nextAskAt];
  }

  #load(): Memory {
    if (this.#memory !== null) return this.#memory;
    const { sql } = this.#ports;
    migrate(sql);
    const { laneCapacity } = this.#settings;
    this.#memory = loadMemory(sql, laneCapacity, this.#permits, this.#ports.limitsOf);
    this.#wakeups.armExactly(this.#memory, this.#agentsAt, this.#now(), 1);
    return this.#memory;
  }

  /** Never goes back, also not over a restart. Epoch ms. */
  #now(): number {
    const { leases, finished } = this.#memory ?? { leases: null, finished: null };
    this.#lastNow = Math.max(
      this.#lastNow,
      this.#ports.clock.now(),
      leases?.latestClaim ?? 0,
      finished?.latestFinish ?? 0,
    );
    return this.#lastNow;
  }
}

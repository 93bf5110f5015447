import type { TaskRecord, TaskReport } from "#engine";
import type { ShardHealth } from "../health/health.ts";
import { HIBERNATES_AFTER_MS } from "../idle.ts";
import { Changes } from "./changes.ts";
import { expireWaiting } from "./expiry.ts";
import { Flusher } from "./flusher.ts";
import { Gatekeeper } from "./limits/gatekeeper.ts";
import { Happenings } from "./watching/happenings.ts";
import { findLive, loadMemory, readLive, type Memory } from "./memory/memory.ts";
import { Permits } from "./limits/permits.ts";
import type { LedgerPorts } from "./ports.ts";
import type { LedgerSettings } from "./protocol.ts";
import { migrate } from "./schema.ts";
import { loseExpired } from "./settle.ts";
import { stepSummaries } from "./steps.ts";
import { Wakeups } from "./wakeups.ts";

const NO_MEMORY = { leases: null, finished: null, lanes: null };

/**
 * What every command of a ledger is made of: the memory that follows from the tables, one transaction over
 * them, and what comes after it (doorbells, the alarm, the flush, those who wait for a task's next state).
 */
export class LedgerCore {
  readonly ports: LedgerPorts;
  readonly settings: LedgerSettings;
  readonly wakeups: Wakeups;
  readonly gatekeeper: Gatekeeper;
  readonly #flusher: Flusher;
  readonly #permits = new Permits();
  #memory: Memory | null = null;
  #lastNow = 0;
  #putDownAt = 0;

  constructor(ports: LedgerPorts, settings: LedgerSettings) {
    this.ports = ports;
    this.settings = settings;
    this.wakeups = new Wakeups(ports, settings, () => this.load());
    this.#flusher = new Flusher(ports, {
      caughtUp: () => {
        // The alarm rings for what had to wait.
        const now = ports.clock.now();
        this.wakeups.arm(now, now);
      },
      emptied: () => {
        this.#putDownNowAndThen();
      },
    });
    this.gatekeeper = new Gatekeeper(ports, {
      memory: () => this.load(),
      now: () => this.now(),
      isAttended: (queue) => this.wakeups.isAttended(queue, this.now()),
      opened: (queue, by) => {
        this.wakeups.opened(queue, by, this.now());
      },
      wakeAt: (at) => {
        this.wakeups.arm(at, this.now());
      },
    });
  }

  /** Everything known about a live task or one that D1 doesn't have yet; null: ask the history. */
  get(taskId: string): TaskRecord | null {
    const memory = this.load();
    const finished = memory.finished.get(taskId);
    if (finished !== undefined) return finished;
    const row = findLive(this.ports.sql, memory, taskId);
    if (row === null) return null;
    const record = readLive(memory, row);
    if (row.is_durable === 0) return record;
    return { ...record, steps: stepSummaries(this.ports.sql, taskId) };
  }

  /** One transaction and what follows from it. If it fails, memory is loaded again from the tables. */
  command<T>(run: (memory: Memory, changes: Changes, now: number) => T): T {
    const memory = this.load();
    const now = this.now();
    const changes = new Changes(this.ports.sql, memory, now, this.ports.events.room);
    let result: T;
    try {
      result = this.ports.sql.transaction(() => {
        loseExpired(memory, changes, now);
        expireWaiting(this.ports.sql, memory, changes, now);
        changes.write();
        const value = run(memory, changes, now);
        changes.write();
        return value;
      });
    } catch (error) {
      this.#memory = null;
      throw error;
    }
    // First of all: whatever goes wrong after the commit, what happened has happened.
    if (changes.happenings !== null) this.#tell(changes.happenings);
    this.#notify(changes);
    memory.canvases.trim();
    for (const gate of changes.touchedGates) this.gatekeeper.touch(gate);
    this.wakeups.afterCommand(memory, changes, now);
    this.gatekeeper.afterCommand(now);
    this.#flusher.kick(now, () => this.#memory);
    return result;
  }

  /** Running attempts said something. */
  reported(reports: readonly TaskReport[]): void {
    this.#notifyOf(reports.map(({ id }) => id));
    const { room } = this.ports.events;
    if (room === null) return;
    const happenings = new Happenings(this.now(), room);
    for (const { id, state } of reports) {
      const task = state === null ? null : this.get(id);
      if (task !== null && state !== null) happenings.reported(task, state);
    }
    this.#tell(happenings);
  }

  #tell({ events, missed }: Happenings): void {
    if (events.length + missed > 0) this.ports.events.happened({ events, missed });
  }

  /** The command is done: that a watcher can't be told does not make it fail. */
  #notify(changes: Changes): void {
    const { watchers, log } = this.ports;
    try {
      for (const task of changes.ended) if (watchers.isWatched(task.id)) watchers.notify(task);
    } catch (error) {
      log("notify_failed", { error });
    }
    this.#notifyOf(changes.movedIds);
  }

  /** These tasks changed without an end. */
  #notifyOf(ids: readonly string[]): void {
    const { watchers, log } = this.ports;
    try {
      for (const id of ids) {
        const task = watchers.isWatched(id) ? this.get(id) : null;
        if (task !== null) watchers.notify(task);
      }
    } catch (error) {
      log("notify_failed", { error });
    }
  }

  /** Sets the alarm for whatever comes next, before anything is done. */
  armFirst(): void {
    if (this.#memory === null) this.#load(this.settings.watchMs);
    else this.#armExactly(this.#memory, this.settings.watchMs);
  }

  /** @param watchMs until what is due now is looked after again */
  #armExactly(memory: Memory, watchMs: number): void {
    const now = this.now();
    const agentsAt = [this.#flusher.retryAt, this.gatekeeper.nextAskAt(now)];
    this.wakeups.armExactly(memory, agentsAt, now, watchMs);
  }

  /** Puts down that D1 has all ended tasks of a ledger in which nothing runs, whatever waits: no end soon records it. */
  putDownIfIdle(): void {
    const { leases, finished } = this.load();
    if (leases.size > 0 || finished.size > 0) return;
    this.command((memory, _changes, now) => {
      if (memory.finished.putDown()) this.#putDownAt = now;
    });
  }

  /** An object that is idle is soon taken out of memory: what it knows is put down as long as it does. */
  #putDownNowAndThen(): void {
    try {
      const isLate = this.ports.clock.now() - this.#putDownAt >= HIBERNATES_AFTER_MS;
      if (isLate) this.putDownIfIdle();
    } catch (error) {
      // That D1 has all is as true. The next tick does it.
      this.ports.log("put_down_failed", { error });
    }
  }

  /** How the flusher is; see `ShardHealth`. */
  get flusherHealth(): ShardHealth["flusher"] {
    const { oldestFinish: waitingSince } = this.load().finished;
    return { ...this.#flusher.health, retryAt: this.#flusher.retryAt, waitingSince };
  }

  load(): Memory {
    // What is due is looked after at once: the alarm that is replaced may have been for it, and an object that
    // is evicted and woken again and again must get there once.
    return this.#memory ?? this.#load(1);
  }

  #load(watchMs: number): Memory {
    const { sql } = this.ports;
    migrate(sql);
    this.#memory = loadMemory(sql, this.settings, this.#permits, this.ports);
    try {
      this.#armExactly(this.#memory, watchMs);
    } catch (error) {
      // Not loaded before the alarm is set: what comes next would set it for itself alone.
      this.#memory = null;
      throw error;
    }
    return this.#memory;
  }

  /** Never goes back, also not over a restart. Epoch ms. */
  now(): number {
    const { leases, finished, lanes } = this.#memory ?? NO_MEMORY;
    this.#lastNow = Math.max(
      this.#lastNow,
      this.ports.clock.now(),
      leases?.latestClaim ?? 0,
      finished?.latestFinish ?? 0,
      lanes?.latestDue ?? 0,
    );
    return this.#lastNow;
  }
}

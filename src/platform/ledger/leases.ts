import { partsOfGate } from "#engine";
import type { SqlPort } from "./ports.ts";
import type { TaskRow } from "./rows.ts";
import { consume } from "./schema.ts";
import { Slots } from "./slots.ts";

/** A consumer's right to run some tasks until it expires. */
export interface Lease {
  readonly slot: number;
  /** Fencing token: each lease of a ledger has a higher one than all before it. */
  readonly token: number;
  readonly queue: string;
  /** True: a suspect, claimed alone. Only a loss of such a lease counts against its task. */
  readonly isSolo: boolean;
  /** Its holder submitted the task with this offer to run it, and claims no more; null: a consumer's. */
  readonly offer: string | null;
  /** Epoch ms. */
  readonly claimedAt: number;
  expiresAt: number;
  /** The tasks not settled yet, as they were when claimed. The lease is over when none is left. */
  readonly tasks: Map<string, TaskRow>;
}

/** What a lease is granted on. */
type Grant = Pick<Lease, "queue" | "isSolo" | "offer"> & { readonly tasks: readonly TaskRow[] };

interface LeaseRow extends Record<string, string | number | null> {
  slot: number;
  token: number;
  queue: string;
  is_solo: number;
  claimed_at: number;
  expires_at: number;
  task_ids: string;
  offer: string | null;
}

const NONE: ReadonlySet<string> = new Set();
const NOBODY: ReadonlyMap<string, ReadonlySet<string>> = new Map();

/** Terminated tasks that are remembered: more than a heartbeat's time brings. */
const MAX_TERMINATED = 1_000;

/**
 * The live leases of one ledger. One row per lease, however many tasks it holds, written when it is
 * granted and extended; nothing is written when a task leaves it: a task that is gone, or whose `token`
 * is not below the lease's, is not held by it.
 */
export class LeaseBook {
  readonly #sql: SqlPort;
  readonly #slots = new Slots();
  readonly #leases = new Map<number, Lease>();
  readonly #holder = new Map<string, Lease>();
  /** The newest tasks that were terminated while they ran. D1 may have them before their runner asks. */
  readonly #terminated = new Set<string>();
  /** Running tasks that passed a gate, by its name and key. */
  readonly #running = new Map<string, Map<string, Set<string>>>();
  #lastToken = 0;
  #latestClaim = 0;

  constructor(sql: SqlPort) {
    this.#sql = sql;
    const rows = [...sql.exec<LeaseRow>("SELECT * FROM leases")];
    for (const row of rows) this.#load(row);
  }

  /** The newest time in the table: the clock never goes below it. Epoch ms. */
  get latestClaim(): number {
    return this.#latestClaim;
  }

  /** Number of live leases: consumers at work, more or less. */
  get size(): number {
    return this.#leases.size;
  }

  /** The number of tasks under a live lease. */
  get heldTasks(): number {
    return this.#holder.size;
  }

  /** The lease that holds a task, or undefined while it waits. */
  holding(taskId: string): Lease | undefined {
    return this.#holder.get(taskId);
  }

  /** The tasks under a lease that passed gates of this name, by key ("" without one). */
  runningOf(name: string): ReadonlyMap<string, ReadonlySet<string>> {
    return this.#running.get(name) ?? NOBODY;
  }

  /** The tasks under a lease that passed this gate. */
  runningAt(gate: string): ReadonlySet<string> {
    const { name, key } = partsOfGate(gate);
    return this.#running.get(name)?.get(key ?? "") ?? NONE;
  }

  /**
   * Grants a lease on tasks that nobody holds. Rows written: 1.
   * Safe against a crash: either the row is there and the tasks are held until it expires, or it isn't
   * and they wait as before.
   */
  grant({ queue, tasks, isSolo, offer }: Grant, now: number, leaseMs: number): Lease {
    this.#lastToken += 1;
    const lease: Lease = {
      slot: this.#slots.take(),
      token: this.#lastToken,
      queue,
      isSolo,
      offer,
      claimedAt: now,
      expiresAt: now + leaseMs,
      tasks: new Map(tasks.map((task) => [task.id, task])),
    };
    consume(
      this.#sql.exec(
        `INSERT OR REPLACE INTO leases
         (slot, token, queue, is_solo, claimed_at, expires_at, task_ids, offer)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        lease.slot,
        lease.token,
        queue,
        isSolo ? 1 : 0,
        now,
        lease.expiresAt,
        JSON.stringify(tasks.map((task) => task.id)),
        offer,
      ),
    );
    this.#leases.set(lease.token, lease);
    for (const task of tasks) this.#hold(lease, task);
    return lease;
  }

  /** Ends a task's stay in its lease; the row is free for the next lease when it was the last. */
  release(lease: Lease, taskId: string): void {
    this.#leave(lease.tasks.get(taskId));
    lease.tasks.delete(taskId);
    this.#holder.delete(taskId);
    if (lease.tasks.size === 0) {
      this.#leases.delete(lease.token);
      this.#slots.release(lease.slot);
    }
  }

  /** Takes a task from its runner, who is told at its next heartbeat. */
  terminate(lease: Lease, taskId: string): void {
    this.release(lease, taskId);
    this.#terminated.add(taskId);
    const [oldest] = this.#terminated;
    if (this.#terminated.size > MAX_TERMINATED && oldest !== undefined) {
      this.#terminated.delete(oldest);
    }
  }

  /** Whether a task that has no lease any more was terminated; after a restart it isn't known. */
  wasTerminated(taskId: string): boolean {
    return this.#terminated.has(taskId);
  }

  /** Extends a live lease. Rows written: 1. Repeating it only moves the end. */
  extend(lease: Lease, expiresAt: number): void {
    lease.expiresAt = expiresAt;
    consume(
      this.#sql.exec("UPDATE leases SET expires_at = ? WHERE slot = ?", expiresAt, lease.slot),
    );
  }

  /** Replaces the row of a held task, after a change that it outlives (a revoke mark). */
  update(lease: Lease, task: TaskRow): void {
    lease.tasks.set(task.id, task);
  }

  heldIds(): Iterable<string> {
    return this.#holder.keys();
  }

  /** The live leases. */
  all(): Iterable<Lease> {
    return this.#leases.values();
  }

  expired(now: number): Lease[] {
    return [...this.#leases.values()].filter((lease) => lease.expiresAt <= now);
  }

  /** When the first lease expires, epoch ms; null without leases. */
  nextExpiry(): number | null {
    let next: number | null = null;
    for (const lease of this.#leases.values()) {
      if (next === null || lease.expiresAt < next) next = lease.expiresAt;
    }
    return next;
  }

  /** Consumers' live leases on a queue, and those of them claimed after `since` (epoch ms). */
  countOn(queue: string, since: number): { all: number; recent: number } {
    const count = { all: 0, recent: 0 };
    for (const lease of this.#leases.values()) {
      if (lease.queue !== queue || lease.offer !== null) continue;
      count.all += 1;
      if (lease.claimedAt > since) count.recent += 1;
    }
    return count;
  }

  /** Live express leases on a queue. */
  expressOn(queue: string): number {
    let count = 0;
    for (const lease of this.#leases.values()) {
      if (lease.offer !== null && lease.queue === queue) count += 1;
    }
    return count;
  }

  #load(row: LeaseRow): void {
    // Not a join: SQLite would walk through every live task for each lease.
    const tasks = this.#sql.exec<TaskRow>(
      `SELECT * FROM tasks WHERE parked IN (0, 1) AND id IN (SELECT value FROM json_each(?))
         AND token < ?`,
      row.task_ids,
      row.token,
    );
    const lease: Lease = {
      slot: row.slot,
      token: row.token,
      queue: row.queue,
      isSolo: row.is_solo === 1,
      offer: row.offer,
      claimedAt: row.claimed_at,
      expiresAt: row.expires_at,
      tasks: new Map(Array.from(tasks, (task) => [task.id, task])),
    };
    this.#lastToken = Math.max(this.#lastToken, row.token);
    this.#latestClaim = Math.max(this.#latestClaim, row.claimed_at);
    this.#slots.note(row.slot, lease.tasks.size === 0);
    if (lease.tasks.size === 0) return;
    this.#leases.set(lease.token, lease);
    for (const task of lease.tasks.values()) this.#hold(lease, task);
  }

  #hold(lease: Lease, { id, gate }: TaskRow): void {
    this.#holder.set(id, lease);
    if (gate === "") return;
    const { name, key } = partsOfGate(gate);
    let keys = this.#running.get(name);
    if (keys === undefined) this.#running.set(name, (keys = new Map()));
    keys.set(key ?? "", (keys.get(key ?? "") ?? new Set()).add(id));
  }

  #leave(task: TaskRow | undefined): void {
    if (task === undefined || task.gate === "") return;
    const { name, key } = partsOfGate(task.gate);
    const keys = this.#running.get(name);
    const ids = keys?.get(key ?? "");
    ids?.delete(task.id);
    if (ids?.size === 0) keys?.delete(key ?? "");
    if (keys?.size === 0) this.#running.delete(name);
  }
}

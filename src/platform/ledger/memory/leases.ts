import { HeldTasks } from "./held-tasks.ts";
import type { SqlPort } from "../ports.ts";
import type { TaskRow } from "../rows.ts";
import { RunningTasks } from "./running-tasks.ts";
import { consume } from "../schema.ts";
import { Slots } from "./slots.ts";

/** A consumer's right to run some tasks until it expires. */
export interface Lease {
  /** Of its row; null: an express lease, which the row of its task tells. */
  readonly slot: number | null;
  /** Fencing token: higher than those of all leases that live, and of all that its tasks had before. */
  readonly token: number;
  readonly queue: string;
  /** True: a suspect, claimed alone. Only a loss of such a lease counts against its task. */
  readonly isSolo: boolean;
  /** Its holder submitted the task with this offer to run it, and claims no more; null: a consumer's. */
  readonly offer: string | null;
  /** Epoch ms. */
  readonly claimedAt: number;
  expiresAt: number;
  /** The tasks not settled yet. The lease is over when none is left. */
  readonly tasks: HeldTasks;
}

/** What a lease is granted on. */
type Grant = Pick<Lease, "queue" | "isSolo"> & { readonly tasks: readonly TaskRow[] };

/** What the row of a task tells of its express lease, besides what it tells of the task. */
type ExpressLease = Pick<Lease, "token" | "claimedAt" | "expiresAt"> & { readonly offer: string };

interface LeaseRow extends Record<string, string | number | null> {
  slot: number;
  token: number;
  queue: string;
  is_solo: number;
  claimed_at: number;
  expires_at: number;
  task_ids: string;
}

/** Terminated tasks that are remembered: more than a heartbeat's time brings. */
const MAX_TERMINATED = 1_000;

/**
 * The live leases of one ledger. One row per lease, however many tasks it holds, written when it is
 * granted and extended; nothing is written when a task leaves it: a task that is gone, or whose `token`
 * is not below the lease's, is not held by it. An express lease is in the row with which its task is
 * inserted, and holds it until that row is gone or parked.
 */
export class LeaseBook {
  readonly #sql: SqlPort;
  readonly #slots = new Slots();
  readonly #leases = new Map<number, Lease>();
  readonly #holder = new Map<string, Lease>();
  /** The newest tasks that were terminated while they ran. D1 may have them before their runner asks. */
  readonly #terminated = new Set<string>();
  readonly #running = new RunningTasks();
  #lastToken = 0;
  #latestClaim = 0;

  constructor(sql: SqlPort) {
    this.#sql = sql;
    const rows = [...sql.exec<LeaseRow>("SELECT * FROM leases")];
    for (const row of rows) this.#load(row);
    const express = "SELECT * FROM tasks WHERE parked = 0 AND express IS NOT NULL";
    for (const task of sql.exec<TaskRow>(express)) this.#loadExpress(task);
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
    return this.#running.of(name);
  }

  /** The tasks under a lease that passed this gate. */
  runningAt(gate: string): ReadonlySet<string> {
    return this.#running.at(gate);
  }

  /**
   * Grants a lease on tasks that nobody holds. Rows written: 1.
   * Safe against a crash: either the row is there and the tasks are held until it expires, or it isn't
   * and they wait as before.
   */
  grant({ queue, tasks, isSolo }: Grant, now: number, leaseMs: number): Lease {
    const slot = this.#slots.take();
    const lease: Lease = {
      slot,
      token: this.#nextToken(tasks),
      queue,
      isSolo,
      offer: null,
      claimedAt: now,
      expiresAt: now + leaseMs,
      tasks: new HeldTasks(this.#sql, tasks),
    };
    consume(
      this.#sql.exec(
        `INSERT OR REPLACE INTO leases
         (slot, token, queue, is_solo, claimed_at, expires_at, task_ids)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
        slot,
        lease.token,
        queue,
        isSolo ? 1 : 0,
        now,
        lease.expiresAt,
        JSON.stringify(tasks.map((task) => task.id)),
      ),
    );
    this.#add(lease);
    return lease;
  }

  /**
   * Grants an express lease on a task that the caller inserts in the same transaction, with the `express` of the
   * row that the lease has: nothing else is written.
   */
  grantExpress(
    task: TaskRow,
    offer: string,
    now: number,
    leaseMs: number,
  ): { readonly lease: Lease; readonly row: TaskRow } {
    const token = this.#nextToken([task]);
    const told = { token, offer, claimedAt: now, expiresAt: now + leaseMs };
    const row = { ...task, express: JSON.stringify(told) };
    const lease = this.#expressLease(row, told);
    this.#add(lease);
    return { lease, row };
  }

  /** Ends a task's stay in its lease; the row is free for the next lease when it was the last. */
  release(lease: Lease, taskId: string): void {
    const task = lease.tasks.known(taskId);
    if (task !== undefined) this.#running.end(task);
    lease.tasks.delete(taskId);
    if (this.#holder.get(taskId) === lease) this.#holder.delete(taskId);
    if (lease.tasks.size === 0) {
      this.#leases.delete(lease.token);
      if (lease.slot !== null) this.#slots.release(lease.slot);
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
    const { slot, token, offer, claimedAt } = lease;
    lease.expiresAt = expiresAt;
    if (offer === null) {
      consume(this.#sql.exec("UPDATE leases SET expires_at = ? WHERE slot = ?", expiresAt, slot));
      return;
    }
    const told: ExpressLease = { token, offer, claimedAt, expiresAt };
    const extend = "UPDATE tasks SET express = ? WHERE parked = 0 AND id = ?";
    for (const id of lease.tasks.ids()) {
      consume(this.#sql.exec(extend, JSON.stringify(told), id));
    }
  }

  /** Replaces the row of a held task, after a change that it outlives (a revoke mark). */
  update(lease: Lease, task: TaskRow): void {
    lease.tasks.set(task);
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

  /** When the first lease after `now` expires, epoch ms; null: none does. */
  nextExpiry(now: number): number | null {
    let next: number | null = null;
    for (const { expiresAt } of this.#leases.values()) {
      if (expiresAt > now && (next === null || expiresAt < next)) next = expiresAt;
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

  /** The leases of suspects. */
  solos(): Lease[] {
    return [...this.#leases.values()].filter(({ isSolo }) => isSolo);
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
    // An id may have come again since, long after the task that had it: that one was never claimed.
    const tasks = this.#sql.exec<TaskRow>(
      `SELECT * FROM tasks WHERE parked IN (0, 1) AND id IN (SELECT value FROM json_each(?))
         AND token < ? AND submitted_at <= ?`,
      row.task_ids,
      row.token,
      row.claimed_at,
    );
    const { slot, token, queue } = row;
    const lease: Lease = {
      ...{ slot, token, queue },
      isSolo: row.is_solo === 1,
      offer: null,
      claimedAt: row.claimed_at,
      expiresAt: row.expires_at,
      tasks: new HeldTasks(this.#sql, tasks),
    };
    this.#slots.note(row.slot, lease.tasks.size === 0);
    this.#note(lease);
    if (lease.tasks.size > 0) this.#add(lease);
  }

  #loadExpress(task: TaskRow): void {
    const lease = this.#expressLease(task, JSON.parse(task.express ?? "") as ExpressLease);
    this.#note(lease);
    this.#add(lease);
  }

  #expressLease(task: TaskRow, told: ExpressLease): Lease {
    const tasks = new HeldTasks(this.#sql, [task]);
    return { ...told, slot: null, queue: task.queue, isSolo: false, tasks };
  }

  #note({ token, claimedAt }: Lease): void {
    this.#lastToken = Math.max(this.#lastToken, token);
    this.#latestClaim = Math.max(this.#latestClaim, claimedAt);
  }

  #add(lease: Lease): void {
    this.#leases.set(lease.token, lease);
    for (const task of lease.tasks.all()) {
      this.#holder.set(task.id, lease);
      this.#running.begin(task);
    }
  }

  /** An express lease that is over is in no table: a task may have had a newer one than all that are. */
  #nextToken(tasks: readonly TaskRow[]): number {
    this.#lastToken = tasks.reduce((last, { token }) => Math.max(last, token), this.#lastToken) + 1;
    return this.#lastToken;
  }
}

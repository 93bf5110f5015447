import type {
  Outcome,
  Reschedule,
  Rescheduled,
  Settlement,
  TaskSpec,
  TerminalState,
} from "#engine";

import { UniqueKeys } from "./unique-keys.ts";

export interface ModelLease {
  readonly token: number;
  readonly isSolo: boolean;
  readonly claimedAt: number;
  expiresAt: number;
  readonly ids: Set<string>;
}

export interface ModelEnd {
  readonly state: TerminalState;
  /** Type of the error it ended with; null: none. */
  readonly excType: string | null;
  readonly result: string | null;
  /** The attempt that was running, by how it ended; null: none was. */
  readonly outcome: string | null;
}

/** A task as the promises say it should be. Times are the ledger's clock. */
export interface ModelTask {
  /** Its call, or the newest that was merged into it. */
  spec: TaskSpec;
  /** It never waited for a time. A clock that goes back with a new object doesn't make it wait. */
  isReady: boolean;
  readonly submittedAt: number;
  dueAt: number;
  attempts: number;
  retries: number;
  isSuspect: boolean;
  soloLosses: number;
  isRevoked: boolean;
  /** The newest lease that is over. */
  token: number;
  lease: ModelLease | null;
  end: ModelEnd | null;
  /** Its record when it ended, as the ledger wrote it. */
  text: string | null;
  claims: number;
  losses: number;
}

const SOLO_LOSSES_OF_POISON = 3;
/** A suspect that was lost alone has so long until another one may start. */
const ALONE_MS = 20_000;

/**
 * What the ledger should hold, by the simplest code that says so: no tables, no lanes, no slots. It is
 * told what happened (a commit, with the command that made it); what the ledger may choose (which ids a
 * claim got) the oracle checks against it.
 */
export class Model {
  /** Suspects that waited for long when an idle consumer got others. */
  readonly passedOver = new Set<string>();
  readonly tasks = new Map<string, ModelTask>();
  /** Those that have not ended. */
  readonly live = new Map<string, ModelTask>();
  readonly leases = new Map<number, ModelLease>();
  readonly uniques = new UniqueKeys();
  /** What ended in the commit that is being looked at. */
  ended: ModelTask[] = [];

  /** @param isReady due when it was submitted, and in the ledger's lanes: time does not matter to it */
  submit(spec: TaskSpec, now: number, isReady: boolean): void {
    const task: ModelTask = {
      spec,
      isReady,
      submittedAt: now,
      dueAt: Math.max(spec.dueAt ?? now, now),
      attempts: 0,
      retries: 0,
      isSuspect: false,
      soloLosses: 0,
      isRevoked: false,
      token: 0,
      lease: null,
      end: null,
      text: null,
      claims: 0,
      losses: 0,
    };
    this.tasks.set(spec.id, task);
    this.live.set(spec.id, task);
  }

  /** Leases that are over at `now` lose their tasks. */
  loseExpired(now: number): void {
    for (const lease of [...this.leases.values()]) {
      if (lease.expiresAt > now) continue;
      for (const id of [...lease.ids]) this.#lose(this.#get(id), lease, now);
    }
  }

  /** One lease is over before its time. */
  loseLease(token: number | null, now: number): void {
    const lease = token === null ? undefined : this.leases.get(token);
    for (const id of [...(lease?.ids ?? [])]) if (lease) this.#lose(this.#get(id), lease, now);
  }

  /** Waiting tasks that have expired end. */
  expireWaiting(now: number): void {
    for (const task of [...this.live.values()]) {
      if (task.lease === null && isExpired(task, now))
        this.end(task, "REVOKED", "TaskRevokedError");
    }
  }

  reschedule(id: string, { dueAt = 0 }: Reschedule, now: number): Rescheduled["answer"] {
    const task = this.live.get(id);
    if (task === undefined) return "ended";
    if (task.lease !== null) return "running";
    const due = Math.max(dueAt, now);
    if (task.spec.expiresAt !== null && due >= task.spec.expiresAt) return "expires";
    task.dueAt = due;
    task.isReady = false;
    return "rescheduled";
  }

  /** @returns how many settlements count for nothing */
  settle(settlements: readonly Settlement[], now: number): number {
    let stale = 0;
    for (const { id, token, outcome } of settlements) {
      const task = this.tasks.get(id);
      if (task?.lease?.token === token) this.#apply(task, outcome, now);
      else stale += 1;
    }
    return stale;
  }

  extend(token: number, ids: readonly string[], expiresAt: number): void {
    const lease = this.leases.get(token);
    if (lease !== undefined && ids.some((id) => lease.ids.has(id))) lease.expiresAt = expiresAt;
  }

  revoke(id: string, terminate: boolean): void {
    const task = this.live.get(id);
    if (task === undefined) return;
    if (task.lease === null) this.end(task, "REVOKED", "TaskRevokedError");
    else if (terminate) this.#endAttempt(task, "REVOKED", "TaskRevokedError", null, "revoked");
    else task.isRevoked = true;
  }

  claim(lease: ModelLease): void {
    this.leases.set(lease.token, lease);
    for (const id of lease.ids) {
      const task = this.#get(id);
      task.lease = lease;
      task.claims += 1;
    }
  }

  /** A task that waits ends without a run. */
  end(task: ModelTask, state: TerminalState, excType: string | null): void {
    task.end = { state, excType, result: null, outcome: null };
    this.live.delete(task.spec.id);
    this.ended.push(task);
  }

  /** Due tasks of a queue that nobody holds and that may start, the one to run first at the front. */
  waiting(queue: string, now: number): ModelTask[] {
    const solos = [...this.leases.values()].filter(({ isSolo }) => isSolo);
    const isOneAlone = solos.some(
      ({ ids, claimedAt }) =>
        [...ids].some((id) => this.#get(id).soloLosses > 0) && claimedAt > now - ALONE_MS,
    );
    const mayStart = ({ soloLosses }: ModelTask) =>
      soloLosses > 0 ? solos.length === 0 : !isOneAlone;
    return [...this.live.values()]
      .filter((task) => task.spec.queue === queue && task.lease === null && isDue(task, now))
      .filter((task) => !task.isSuspect || mayStart(task))
      .toSorted(byRank);
  }

  #apply(task: ModelTask, outcome: Outcome, now: number): void {
    if (outcome.kind === "success") {
      this.#endAttempt(task, "SUCCESS", null, outcome.result, "success");
    } else if (outcome.kind === "failure") {
      this.#endAttempt(task, "FAILURE", outcome.error.exc_type, null, "failure");
    } else if (outcome.kind === "ignore") {
      this.#endAttempt(task, "IGNORED", null, null, "ignored");
    } else if (outcome.kind === "suspend" || outcome.kind === "replace") {
      throw new Error("No task is durable here, or becomes a canvas.");
    } else if (task.isRevoked) {
      this.#endAttempt(task, "REVOKED", "TaskRevokedError", null, "retry");
    } else {
      this.#release(task);
      task.retries += 1;
      task.isSuspect = false;
      task.dueAt = now + Math.max(0, outcome.delayMs);
    }
  }

  #lose(task: ModelTask, lease: ModelLease, now: number): void {
    task.losses += 1;
    task.soloLosses += lease.isSolo ? 1 : 0;
    if (task.soloLosses >= SOLO_LOSSES_OF_POISON) {
      this.#endAttempt(task, "FAILURE", "WorkerLostError", null, "lost");
    } else if (task.isRevoked) {
      this.#endAttempt(task, "REVOKED", "TaskRevokedError", null, "lost");
    } else {
      this.#release(task);
      task.isSuspect = true;
      task.dueAt = now;
    }
  }

  #endAttempt(
    task: ModelTask,
    state: TerminalState,
    excType: string | null,
    result: string | null,
    outcome: string,
  ): void {
    this.#release(task);
    task.end = { state, excType, result, outcome };
    this.live.delete(task.spec.id);
    this.ended.push(task);
  }

  #release(task: ModelTask): void {
    const { lease } = task;
    if (lease === null) return;
    lease.ids.delete(task.spec.id);
    if (lease.ids.size === 0) this.leases.delete(lease.token);
    task.token = lease.token;
    task.lease = null;
    task.isReady = false;
    task.attempts += 1;
  }

  #get(id: string): ModelTask {
    const task = this.tasks.get(id);
    if (task === undefined) throw new Error(`The model knows no ${id}.`);
    return task;
  }
}

/** Higher priority first, then earlier due; what is equal may go in any order. */
export function byRank(a: ModelTask, b: ModelTask): number {
  return b.spec.priority - a.spec.priority || a.dueAt - b.dueAt;
}

export function isDue(task: ModelTask, now: number): boolean {
  return task.isReady || task.dueAt <= now;
}

export function isExpired(task: ModelTask, now: number): boolean {
  return task.spec.expiresAt !== null && task.spec.expiresAt <= now;
}

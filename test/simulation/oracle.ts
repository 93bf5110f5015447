import type {
  EndCallback,
  Merged,
  Reschedule,
  Rescheduled,
  StepEntry,
  SubmitAnswer,
  TaskSpec,
} from "#engine";
import type { TaskLedger } from "#platform/ledger/ledger.ts";
import type {
  Exchange,
  ExchangeAnswer,
  ExpressAnswer,
  GoneTask,
  LedgerSettings,
} from "#platform/ledger/protocol.ts";
import { checkClaim } from "./claims.ts";
import { Express } from "./express.ts";
import { EffectBook } from "./effect-book.ts";
import { EventWatcher } from "./event-watcher.ts";
import { Model, isDue, isExpired, type ModelLease, type ModelTask } from "./model.ts";
import type { SimSql } from "../../src/testing/sim-sql.ts";
import { checkEnd, checkReported, stateOf } from "./records.ts";
import { Submissions } from "./submissions.ts";
import { TableReader, type LeaseRow, type Tables } from "./tables.ts";
import { Violation } from "./violation.ts";
import { Watchers } from "./watchers.ts";

/** What the ledger was told to do. */
export type Command =
  | { readonly kind: "submit"; readonly specs: readonly TaskSpec[] }
  | { readonly kind: "submitToRun"; readonly spec: TaskSpec; readonly offer: string }
  | { readonly kind: "withdraw"; readonly taskId: string; readonly offer: string }
  | { readonly kind: "exchange"; readonly request: Exchange }
  | { readonly kind: "heartbeat"; readonly held: ReadonlyMap<number, readonly string[]> }
  | { readonly kind: "revoke"; readonly taskId: string; readonly terminate: boolean }
  | { readonly kind: "read"; readonly taskId: string }
  | { readonly kind: "recordSteps"; readonly entries: readonly StepEntry[] }
  | { readonly kind: "report" | "durable" | "input" | "nudge" }
  | { readonly kind: "reschedule"; readonly taskId: string; readonly change: Reschedule }
  | { readonly kind: "tick" };

/**
 * Knows what must be true of one ledger and looks after every commit, after every answer and at every
 * write to D1. The tables must say exactly what the model says: one row for each live task with its due
 * time, attempts, losses and token, one holder at most, and for each task that ended one record, which
 * never changes. What it can't see is wrong only if nobody ever asks for it.
 */
export class Oracle {
  readonly model = new Model();
  readonly submissions = new Submissions();
  readonly watchers = new Watchers(this.model);
  readonly events: EventWatcher;
  readonly effects = new EffectBook();
  readonly express = new Express();
  /** Longest time by which a start came late, ms. Suspects wait for their turn and don't count. */
  worstDelayMs = 0;
  readonly #tables: TableReader;
  readonly #leaseMs: number;
  readonly #maxUnflushed: number;
  readonly #runs = new Set<string>();
  /** What D1 has of it, whether or not the ledger knows. */
  readonly #inD1 = new Set<string>();
  /** Tasks that were terminated while they ran. */
  readonly #terminated = new Set<string>();
  #isForgetful = false;
  #command: Command | null = null;
  #now = 0;
  #lastToken = 0;
  #lastSeq = 0;
  /** Of the last commit: settlements that counted for nothing, and the lease that was granted. */
  #stale = 0;
  #granted: ModelLease | null = null;
  /** What the calls are told that the last submit merged into other tasks. */
  #merged: ReadonlyMap<string, Merged> = new Map();
  /** The tasks that the last submit brought. */
  #added: TaskSpec[] = [];
  /** What the last one that was to be rescheduled must be told. */
  #moved: Rescheduled["answer"] = "ended";

  constructor(
    sql: SimSql,
    { leaseMs, maxUnflushed }: Pick<LedgerSettings, "leaseMs" | "maxUnflushed">,
    seed: number,
  ) {
    this.events = new EventWatcher(this.model, seed);
    this.#tables = new TableReader(sql);
    this.#leaseMs = leaseMs;
    this.#maxUnflushed = maxUnflushed;
  }

  get now(): number {
    return this.#now;
  }

  /** A new object: it knows the time by its tables only, until it looks at the clock. */
  restarted(): void {
    this.#isForgetful = true;
    this.express.restarted();
    const { leases, unflushed, tasks } = this.#tables.read();
    this.#now = Math.max(
      0,
      ...leases.map((lease) => lease.claimed_at),
      ...unflushed.map(({ record }) => record.finishedAt ?? 0),
      ...tasks.map(({ parked, due_at: dueAt }) => (parked === 0 ? dueAt : 0)),
    );
  }

  /** A command that commits nothing until it returns or fails. */
  begin(command: Command): void {
    const specs = submittedBy(command);
    if (command.kind === "submitToRun") this.express.offer(command.spec, command.offer);
    if (command.kind === "exchange" && command.request.isExpress !== true) {
      this.express.served(command.request.queue);
    }
    this.submissions.offer(specs);
    this.#command = command;
    this.#stale = 0;
    this.#granted = null;
    this.#merged = new Map();
  }

  end(): void {
    this.#command = null;
  }

  /** A command failed: the object may have thrown its memory away. */
  failed(): void {
    this.#isForgetful = true;
  }

  /** The object looked at its clock. What it sees in a command is a time it never goes back behind. */
  sawClock(clock: number): void {
    if (this.#command !== null) this.#now = Math.max(this.#now, clock);
  }

  /** A new object looked at its clock when it was looked at itself. */
  woke(clock: number): void {
    this.#now = Math.max(this.#now, clock);
  }

  committed(clock: number): void {
    this.#now = Math.max(this.#now, clock);
    const { model } = this;
    const tables = this.#tables.read();
    this.effects.committed(tables.steps);
    model.ended = [];
    this.#added = [];
    model.loseExpired(this.#now);
    model.expireWaiting(this.#now);
    this.#apply(tables);
    this.#takeEnded(tables);
    this.#takeCallbacks(tables);
    this.#takeClaims(tables);
    this.#compare(tables);
  }

  submittedToRun(spec: TaskSpec, { answer, claim }: ExpressAnswer): void {
    this.submitted([spec], [answer]);
    this.express.answered(spec, answer, claim);
  }

  submitted(specs: readonly TaskSpec[], answers: readonly SubmitAnswer[]): void {
    this.submissions.answered(specs, answers, this.model, this.#merged);
  }

  exchanged(answer: ExchangeAnswer): void {
    if (answer.stale !== this.#stale) {
      fail(`${answer.stale} settlements were refused instead of ${this.#stale}`);
    }
    const granted = [...(this.#granted?.ids ?? [])].toSorted();
    if (String(answer.tasks.map(({ id }) => id).toSorted()) !== String(granted)) {
      fail("the consumer was not given what was leased to it");
    }
    for (const { id, attempt, retries } of answer.tasks) {
      const task = this.model.live.get(id);
      if (task?.attempts !== attempt - 1 || task.retries !== retries) {
        fail(`${id} was given out as attempt ${attempt}`);
      }
    }
  }

  heartbeatAnswered(
    held: ReadonlyMap<number, readonly string[]>,
    answer: readonly GoneTask[],
  ): void {
    const expected = [...held].flatMap(([token, ids]) =>
      ids.filter((id) => this.model.tasks.get(id)?.lease?.token !== token),
    );
    if (String(answer.map(({ id }) => id)) !== String(expected)) {
      fail(`heartbeat: ${answer.length} tasks are gone instead of ${expected.length}`);
    }
    for (const { id, reason } of answer) {
      const isTold = reason === "revoked";
      const wasTerminated = this.#terminated.has(id);
      // Only one that lost its memory may not know any more.
      if (isTold ? !wasTerminated : wasTerminated && !this.#isForgetful) {
        fail(`the runner of ${id} is told that it is ${reason}`);
      }
    }
  }

  rescheduled(taskId: string, answer: Rescheduled | null): void {
    if (this.model.tasks.has(taskId) && answer !== null && answer.answer !== this.#moved) {
      fail(
        `${taskId} was ${answer.answer} instead of ${this.#moved} when it was to be rescheduled`,
      );
    }
  }

  /** A handler begins. */
  started(taskId: string, attempt: number): void {
    const run = `${taskId} ${attempt}`;
    if (this.#runs.has(run)) fail(`${taskId}: attempt ${attempt} was started twice`);
    this.#runs.add(run);
    const claims = this.model.tasks.get(taskId)?.claims ?? 0;
    if (attempt > claims) fail(`${taskId} was started without a claim`);
  }

  /** A record arrives in D1. */
  kept(id: string, text: string): void {
    const task = this.model.tasks.get(id);
    if (task?.text !== text) fail(`D1 was given ${id} as it never ended: ${text}`);
    this.#inD1.add(id);
  }

  /** After a command: everything accepted is somewhere, and says what it should. */
  check(ledger: TaskLedger, history: ReadonlyMap<string, string>): void {
    let held = 0;
    for (const task of this.model.live.values()) {
      const record = ledger.get(task.spec.id);
      if (task.lease !== null) held += 1;
      if (record?.state !== stateOf(task)) {
        fail(`${task.spec.id} is read as ${record?.state} instead of ${stateOf(task)}`);
      }
      checkReported(task, record);
    }
    if (ledger.stats().running !== held) fail(`${ledger.stats().running} run instead of ${held}`);
    for (const [id, { text, end }] of this.model.tasks) {
      if (end === null) continue;
      const kept = history.get(id);
      const record = ledger.get(id);
      if (kept === undefined && record === null) fail(`${id} is lost`);
      if (record !== null && JSON.stringify(record) !== text) fail(`${id} changed after its end`);
      if (!this.#isForgetful) this.watchers.checkTold(id);
    }
  }

  #apply(tables: Tables): void {
    const { model } = this;
    const command = this.#command;
    if (command?.kind === "exchange") {
      // A failed transaction may be followed by another: only the commit counts.
      this.#stale = model.settle(command.request.settlements, this.#now);
    } else if (command?.kind === "withdraw") {
      model.loseLease(this.express.tokenOf(command.offer), this.#now);
    } else if (command?.kind === "heartbeat") {
      for (const [token, ids] of command.held) {
        model.extend(token, ids, this.#now + this.#leaseMs);
      }
    } else if (command?.kind === "revoke") {
      const isRunning = (model.tasks.get(command.taskId)?.lease ?? null) !== null;
      if (isRunning && command.terminate) this.#terminated.add(command.taskId);
      model.revoke(command.taskId, command.terminate);
    } else if (command?.kind === "reschedule") {
      this.#moved = model.reschedule(command.taskId, command.change, this.#now);
    } else if (command === null || command.kind === "submit" || command.kind === "submitToRun") {
      // Null: a submit goes on after its look into the history.
      for (const { id, fingerprint, parked } of tables.tasks) {
        if (this.model.tasks.has(id) || this.submissions.isCallback(id)) continue;
        const spec = this.submissions.find(id, fingerprint);
        model.submit(spec, this.#now, parked === 0);
        this.#added.push(spec);
      }
      if (command !== null) {
        this.#merged = model.uniques.submitted(submittedBy(command), model, this.#now);
      }
    }
  }

  /** What ended must have had a reason, and what had one must have ended, once. */
  #takeEnded({ finished }: Tables): void {
    const records = finished.filter(({ seq }) => seq > this.#lastSeq);
    const ids = new Set(records.map(({ record }) => record.id));
    if (ids.size !== records.length) fail("a task ended twice in one transaction");
    for (const { seq, record, text } of records) {
      this.#lastSeq = Math.max(this.#lastSeq, seq);
      const task = this.model.tasks.get(record.id);
      if (task === undefined || task.text !== null) fail(`${record.id} ended twice`);
      if (task.end === null) this.#expire(task);
      task.text = text;
      checkEnd(task, record, this.#now);
    }
    for (const task of this.model.ended) {
      if (!ids.has(task.spec.id)) fail(`${task.spec.id} ended without a record`);
    }
  }

  /** Of what ended with a callback, exactly that has been started, in the same transaction. */
  #takeCallbacks({ tasks }: Tables): void {
    for (const { spec } of this.model.ended) {
      const { callback } = spec.options;
      if (callback === undefined) continue;
      const told = callbackSpec(spec, callback);
      const row = tasks.find(({ id }) => id === told.id);
      if (row === undefined) fail(`nobody is told that ${spec.id} ended`);
      if (row.kwargs !== told.kwargs) fail(`${told.id} tells of another than ${spec.id}`);
      this.model.submit(told, this.#now, row.parked === 0);
    }
  }

  /** Came back in this command and had expired: the claim in it comes upon that. */
  #expire(task: ModelTask): void {
    const request = this.#command?.kind === "exchange" ? this.#command.request : null;
    const isReached =
      task.lease === null && request?.queue === task.spec.queue && isDue(task, this.#now);
    if (!isReached || request.claim <= 0 || !isExpired(task, this.#now)) {
      fail(`${task.spec.id} ended for no reason`);
    }
    this.model.end(task, "REVOKED", "TaskRevokedError");
  }

  #takeClaims({ leases, unflushed }: Tables): void {
    const granted = leases.filter(({ token }) => token > this.#lastToken);
    const request = this.#command?.kind === "exchange" ? this.#command.request : null;
    const [row] = granted;
    if (granted.length > 1) fail("two leases were granted at once");
    const lease = row === undefined ? null : this.#leaseOf(row);
    if (this.#command === null || this.#command.kind === "submitToRun") {
      this.express.check(this.model, this.#added, lease, this.#now);
    } else if (request === null && lease !== null) {
      fail("a lease was granted without a claim");
    } else if ((lease?.offer ?? null) !== null) {
      fail("a consumer was given an express lease");
    }
    // What D1 has the ledger may know, and its rows say later; what ended in this command may have after the claim.
    const mayBeBehind = unflushed.length > this.#maxUnflushed;
    const missing = unflushed.filter(({ record: { id } }) => !this.#inD1.has(id)).length;
    if (lease !== null && missing - this.model.ended.length > this.#maxUnflushed) {
      fail(`lease ${lease.token} was granted while ${missing} tasks wait for D1`);
    }
    if (request !== null && request.claim > 0 && !(mayBeBehind && lease === null)) {
      checkClaim(this.model, request, lease, this.#now);
    } else if (request !== null && lease !== null) {
      fail("a consumer that only settles was given tasks");
    }
    // Those that are over are known to nobody but their tasks, where they were express.
    this.#lastToken = Math.max(0, ...leases.map(({ token }) => token));
    if (lease === null) return;
    for (const id of lease.ids) {
      const task = this.model.live.get(id);
      if (task !== undefined && task.token >= lease.token) {
        fail(`lease ${lease.token} of ${id} comes after ${task.token}`);
      }
      if (task !== undefined && !task.isSuspect) {
        this.worstDelayMs = Math.max(this.worstDelayMs, this.#now - task.dueAt);
      }
    }
    this.#granted = { ...lease, ids: new Set(lease.ids) };
    this.model.claim(lease);
  }

  #leaseOf(row: LeaseRow): ModelLease & Pick<LeaseRow, "offer"> {
    if (row.expires_at !== this.#now + this.#leaseMs) fail("a lease has the wrong end");
    return {
      token: row.token,
      isSolo: row.is_solo === 1,
      claimedAt: row.claimed_at,
      expiresAt: row.expires_at,
      ids: new Set(row.ids),
      offer: row.offer,
    };
  }

  /** Row by row: the tables say what the model says. */
  #compare({ tasks, leases, uniques }: Tables): void {
    const { live } = this.model;
    this.model.uniques.compare(uniques, this.model, this.#now);
    if (tasks.length !== live.size) fail(`${tasks.length} live tasks instead of ${live.size}`);
    for (const row of tasks) {
      const task = live.get(row.id);
      if (task === undefined) fail(`${row.id} lives on`);
      const is = [row.due_at, row.attempts_made, row.retries, row.solo_losses, row.token];
      const should = [task.dueAt, task.attempts, task.retries, task.soloLosses, task.token];
      is.push(row.is_suspect, row.is_revoked);
      should.push(Number(task.isSuspect), Number(task.isRevoked));
      if (is.join() !== should.join()) {
        fail(
          `${row.id}: due, attempts, retries, solo losses, token, suspect, revoked are ${is.join()} instead of ${should.join()}`,
        );
      }
      const holders = leases.filter(({ token, ids }) => token > row.token && ids.includes(row.id));
      const held = holders.map(({ token, expires_at }) => `${token} until ${expires_at}`).join();
      const { lease } = task;
      const expected = lease === null ? "" : `${lease.token} until ${lease.expiresAt}`;
      if (held !== expected) fail(`${row.id} is held by '${held}' instead of '${expected}'`);
    }
  }
}

function submittedBy(command: Command): readonly TaskSpec[] {
  if (command.kind === "submit") return command.specs;
  return command.kind === "submitToRun" ? [command.spec] : [];
}

function callbackSpec({ id, owner }: TaskSpec, callback: EndCallback): TaskSpec {
  const [node] = callback.plan.nodes;
  if (node?.kind !== "task") throw new Error("A callback is a task here.");
  const { name, queue, priority, kwargs, options } = node.call;
  return {
    ...{ id: callback.id, owner, name, queue, priority, options, key: null, fingerprint: null },
    kwargs: kwargs.replace("{", `{"of":"${id}",`),
    dueAt: null,
    expiresAt: null,
  };
}

function fail(what: string): never {
  throw new Violation(what);
}

import type { SubmitAnswer, TaskRecord, TaskSpec } from "#engine";
import { isTerminal } from "#engine";
import type { TaskLedger } from "#platform/ledger/ledger.ts";
import type { Exchange, ExchangeAnswer } from "#platform/ledger/protocol.ts";
import type { SimSql } from "./sim-sql.ts";

interface ModelLease {
  expiresAt: number;
  readonly ids: Set<string>;
}

interface WaitingRow {
  id: string;
  priority: number;
  due_at: number;
  is_suspect: number;
}

/** A promise of the ledger was broken. */
export class Violation extends Error {
  override readonly name = "Violation";
}

/**
 * Watches every command of one ledger from outside and knows what must be true after each: nothing
 * accepted is lost, what is terminal stays as it is, one lease at a time holds a task and only its token
 * settles, nothing starts too early, too late or after its end, and the best task goes first.
 */
export class Oracle {
  readonly specs = new Map<string, TaskSpec>();
  readonly accepted = new Set<string>();
  readonly claims = new Map<string, number>();
  /** Of those, the ones in which the task was alone as a suspect. */
  readonly soloClaims = new Map<string, number>();
  readonly #terminal = new Map<string, string>();
  readonly #tokens = new Map<string, number>();
  readonly #leases = new Map<number, ModelLease>();
  /** False where the ledger's clock may jump back with a new object: then expiry can't be predicted. */
  readonly #isClockSteady: boolean;

  constructor(isClockSteady: boolean) {
    this.#isClockSteady = isClockSteady;
  }

  submitted(specs: readonly TaskSpec[], answers: readonly SubmitAnswer[]): void {
    for (const [index, spec] of specs.entries()) {
      const answer = answers[index];
      const first = this.specs.get(spec.id);
      if (answer === "accepted") {
        if (this.accepted.has(spec.id)) this.fail(`${spec.id} was accepted twice`);
        this.accepted.add(spec.id);
        this.specs.set(spec.id, spec);
      } else if (answer === "exists" && first?.fingerprint !== spec.fingerprint) {
        this.fail(`${spec.id} exists, but as another call`);
      } else if (answer === "conflict" && first?.fingerprint === spec.fingerprint) {
        this.fail(`${spec.id} conflicts with itself`);
      }
    }
  }

  exchanged(request: Exchange, answer: ExchangeAnswer, now: number): void {
    this.#settled(request, answer, now);
    if (answer.tasks.length === 0) return;
    if (answer.isSolo && (answer.tasks.length !== 1 || !request.isIdle)) {
      this.fail("a suspect was not claimed alone");
    }
    const ids = new Set<string>();
    for (const { id } of answer.tasks) {
      if (ids.has(id)) this.fail(`${id} was claimed twice in one claim`);
      ids.add(id);
      this.#claimed(id, answer.token, now);
      if (answer.isSolo) this.soloClaims.set(id, (this.soloClaims.get(id) ?? 0) + 1);
    }
    this.#leases.set(answer.token, { expiresAt: now + answer.leaseMs, ids });
  }

  extended(token: number, expiresAt: number): void {
    const lease = this.#leases.get(token);
    if (lease !== undefined) lease.expiresAt = expiresAt;
  }

  /** Nobody may have been passed over: what still waits is no better than the worst that was claimed. */
  checkOrder(
    sql: SimSql,
    ledger: TaskLedger,
    queue: string,
    answer: ExchangeAnswer,
    now: number,
  ): void {
    if (answer.tasks.length === 0 || answer.isSolo) return;
    const rows = sql.peek<WaitingRow>(
      "SELECT id, priority, due_at, is_suspect FROM tasks WHERE queue = ? AND due_at <= ?",
      queue,
      now,
    );
    const claimed = new Set(answer.tasks.map(({ id }) => id));
    const worst = rows
      .filter((row) => claimed.has(row.id))
      .toSorted((a, b) => a.priority - b.priority || b.due_at - a.due_at)[0];
    for (const row of rows) {
      if (row.is_suspect === 1 || ledger.get(row.id)?.state === "STARTED") continue;
      const isBetter =
        worst !== undefined &&
        (row.priority > worst.priority ||
          (row.priority === worst.priority && row.due_at < worst.due_at));
      if (isBetter) this.fail(`${row.id} was passed over by ${worst.id}`);
    }
  }

  /** Everything accepted is somewhere, and what was terminal is the same to the last byte. */
  checkRecords(ledger: TaskLedger, history: ReadonlyMap<string, string>): void {
    for (const id of this.accepted) {
      const live = ledger.get(id);
      const text = live === null ? history.get(id) : JSON.stringify(live);
      if (text === undefined) {
        this.fail(`${id} is lost`);
        continue;
      }
      const past = history.get(id);
      if (past !== undefined && past !== text)
        this.fail(`${id} differs between ledger and history`);
      const known = this.#terminal.get(id);
      const record = JSON.parse(text) as TaskRecord;
      if (known === undefined && isTerminal(record.state)) this.#terminal.set(id, text);
      else if (known !== undefined && known !== text) this.fail(`${id} changed after its end`);
    }
  }

  fail(what: string): never {
    throw new Violation(what);
  }

  #claimed(id: string, token: number, now: number): void {
    const spec = this.specs.get(id);
    const last = this.#tokens.get(id) ?? 0;
    if (spec === undefined) return this.fail(`${id} was claimed, but never accepted`);
    if (token <= last) this.fail(`${id} got token ${token} after ${last}`);
    const held = this.#leases.get(last);
    if (this.#isClockSteady && held?.ids.has(id) === true && held.expiresAt > now) {
      this.fail(`${id} was claimed while another lease holds it`);
    }
    if (this.#terminal.has(id)) this.fail(`${id} was claimed after its end`);
    if (spec.dueAt !== null && this.#isClockSteady && spec.dueAt > now)
      this.fail(`${id} too early`);
    if (spec.expiresAt !== null && spec.expiresAt <= now) this.fail(`${id} was claimed expired`);
    this.#tokens.set(id, token);
    this.claims.set(id, (this.claims.get(id) ?? 0) + 1);
  }

  /** A settlement counts if, and only if, its token is the current one and its lease has not run out. */
  #settled(request: Exchange, answer: ExchangeAnswer, now: number): void {
    let stale = 0;
    for (const { id, token } of request.settlements) {
      const lease = this.#leases.get(token);
      const isHeld = lease?.ids.has(id) === true && lease.expiresAt > now;
      if (isHeld && this.#tokens.get(id) === token && !this.#terminal.has(id)) lease.ids.delete(id);
      else stale += 1;
    }
    if (this.#isClockSteady && stale !== answer.stale) {
      this.fail(`${answer.stale} settlements were refused instead of ${stale}`);
    }
  }
}

import {
  describeError,
  isTerminal,
  partsOfGate,
  WorkerLostError,
  type AttemptRecord,
  type Failed,
  type FinishedTask,
  type NodeEnd,
  type Outcome,
  type Plan,
  type TaskEvent,
  type TaskSpec,
  type TerminalState,
} from "#engine";
import {
  after,
  endedAttempt,
  NOTHING,
  OUTCOME_OF,
  REASON_OF,
  resultOf,
  revokedBy,
  withoutLedgerStack,
  type AttemptEnd,
  type EndedAttempt,
} from "./attempt-end.ts";
import { Happenings } from "./watching/happenings.ts";
import type { Lease } from "./memory/leases.ts";
import { findLive, type Memory } from "./memory/memory.ts";
import { releaseKeys } from "./uniques.ts";
import { parkAnew, parkAtGate, parkForNext } from "./parking.ts";
import type { SqlPort } from "./ports.ts";
import { Sequels, type End } from "./canvas/sequels.ts";
import { appended, isHeld, optionsOf, toFinished, waitingState, type TaskRow } from "./rows.ts";
import { consume } from "./schema.ts";
import { asEnded, heldOptions, holdTask } from "./canvas/held.ts";
import { deleteDurable, stepSummaries, suspendTask } from "./steps.ts";

/** Losses while running alone after which a task fails instead of being tried again. */
const MAX_SOLO_LOSSES = 3;

/** Where a parked task waits. */
type ParkedPlace = Pick<TaskRow, "queue" | "gate" | "priority" | "due_at" | "expires_at">;

/**
 * The changes of state of one transaction. Every end and every return of a task goes through here and
 * through the table of transitions; `write` then puts all of them down in a few statements.
 */
export class Changes {
  readonly #sql: SqlPort;
  readonly #memory: Memory;
  readonly #now: number;
  readonly #ended: FinishedTask[] = [];
  /** Of those, how many are written. */
  #written = 0;
  readonly #sequels: Sequels;
  /** Of what ended, that which had steps or events. */
  #durableIds: string[] = [];
  #goneIds: [ready: string[], parked: string[]] = [[], []];
  /** Gates at which tasks came, or whose tasks started or ended. */
  readonly touchedGates = new Set<string>();
  /** Queues that got due work back. */
  readonly dueQueues = new Set<string>();
  /** The earliest due time among the tasks that were parked, epoch ms. */
  earliestDue: number | null = null;
  /** Ids of tasks whose state changed without an end. */
  readonly movedIds: string[] = [];
  /** What is told to those who watch; null: nobody does. */
  readonly happenings: Happenings | null;

  /** @param room for how many events; null: nobody watches */
  constructor(sql: SqlPort, memory: Memory, now: number, room: number | null) {
    this.#sql = sql;
    this.#memory = memory;
    this.#now = now;
    this.happenings = room === null ? null : new Happenings(now, room);
    this.#sequels = new Sequels(sql, memory, this, now);
  }

  get ended(): readonly FinishedTask[] {
    return this.#ended;
  }

  /** A task is parked in this transaction: somebody has to come for it when it is due. */
  noteParked({ queue, gate, priority, due_at: dueAt, expires_at: expiresAt }: ParkedPlace): void {
    this.#memory.parked.note(queue, gate, priority, dueAt);
    this.#memory.expiring.note(expiresAt);
    if (gate !== "") this.touchedGates.add(gate);
    if (dueAt <= this.#now) {
      // At a gate nobody is called before there is leave to start.
      const { name } = partsOfGate(gate);
      const isLimited = name !== "" && this.#memory.controls.limitsOf(name) !== null;
      if (!isLimited) this.dueQueues.add(queue);
    } else if (this.earliestDue === null || dueAt < this.earliestDue) this.earliestDue = dueAt;
  }

  /** A waiting task became limited: it is parked at its gate. Rows written: 2. */
  moveToGate(task: TaskRow, gate: string): void {
    parkAtGate(this.#sql, task, gate);
    this.#memory.parked.left(task);
    this.noteParked({ ...task, gate });
  }

  /**
   * A task that waits gets another place, due time or content. Whatever it was, it is parked then. Input:
   * its row as it is, and as it is to be. Safe twice. Rows written: 2, and one more if it expires.
   */
  moveWaiting(task: TaskRow, to: TaskRow): void {
    if (task.parked === 0) this.#memory.lanes.remove(task.id);
    parkAnew(this.#sql, task, to);
    this.#memory.parked.left(task);
    this.movedIds.push(task.id);
    this.noteParked(to);
    if (task.gate !== "") this.touchedGates.add(task.gate);
  }

  /** A call that was merged into another task, and whose own id is known already, ends at once. */
  endMerged(call: TaskRow, into: string): void {
    const row = { ...call, fingerprint: `${call.fingerprint}\n${into}` };
    const error = { ...revokedBy("revoked"), exc_message: `one with ${into}` };
    this.#finish(toFinished(row, { ...NOTHING, state: "REVOKED", at: this.#now, error }));
  }

  /** Ends the attempt of a task under its lease. The caller has checked that the lease holds it. */
  endAttempt(lease: Lease, task: TaskRow, given: AttemptEnd): void {
    const end = this.#sequels.bounded(task, given);
    this.#memory.leases.release(lease, task.id);
    if (task.gate !== "") this.touchedGates.add(task.gate);
    const losses = task.solo_losses + (end.event === "lose" && lease.isSolo ? 1 : 0);
    const isPoison = losses >= MAX_SOLO_LOSSES;
    const next = after("STARTED", isPoison ? "poison" : end.event);
    const startedAt = Math.max(lease.claimedAt, this.#now - Math.max(0, end.runtimeMs));
    const attempt = this.#attempt(task, {
      startedAt,
      outcome: OUTCOME_OF[end.event],
      error: end.error,
      ...(end.logs !== undefined && { logs: end.logs }),
    });
    if (isTerminal(next)) {
      const error = isPoison ? describeError(new WorkerLostError(losses)) : end.error;
      const kept = withoutLedgerStack(error, isPoison);
      const { result, large, isIgnored, adds } = end;
      this.#end(task, next, attempt, { result, large, isIgnored, adds, error: kept });
    } else if (task.is_revoked === 1) {
      this.#end(task, "REVOKED", attempt, { error: revokedBy("revoked") });
    } else if (end.suspension !== undefined) {
      this.#suspend(lease, task, attempt, end.suspension);
    } else if (end.replacement !== undefined) {
      this.#replace(lease, task, attempt, end.replacement);
    } else {
      this.#returnToQueue(lease, task, attempt, end, losses);
    }
  }

  /** Ends a task that waits, or (terminate) one that runs. The caller releases the lease. */
  revoke(
    task: TaskRow,
    event: TaskEvent & ("revoke" | "terminate" | "expire"),
    runningSince: number | null,
  ): void {
    const state = runningSince === null ? waitingState(task) : "STARTED";
    if (after(state, event) !== "REVOKED") return;
    const running = { startedAt: runningSince ?? 0, outcome: "revoked" as const, error: null };
    const attempt = runningSince === null ? null : this.#attempt(task, running);
    this.#end(task, "REVOKED", attempt, { error: revokedBy(REASON_OF[event]) });
  }

  /** A member of a canvas whose turn never comes ends without having been there. Rows written: those of an end. */
  endUnstarted(row: TaskRow, { state, error, taskId }: Failed): void {
    const end = { ...NOTHING, state, at: this.#now, error, isOwn: false };
    this.#finish(toFinished(row, end));
    this.#sequels.callBack(row, state, { error, failedId: taskId });
  }

  /** See CanvasAdvance.begin. */
  beginCanvas(spec: TaskSpec): void {
    this.#sequels.begin(spec);
  }

  /** A canvas ends, as its members made it: the task that stands for it does. */
  endHeld(id: string, end: NodeEnd, plan: Plan): void {
    const row = findLive(this.#sql, this.#memory, id);
    if (row === null) return;
    const isJoined = "value" in end && "kept" in end.value;
    const task = asEnded(row, plan, isJoined);
    if ("value" in end) {
      const isIgnored = optionsOf(row).ignore_result === true;
      this.#end(task, "SUCCESS", null, { ...resultOf(end.value), isIgnored, value: end.value });
    } else {
      this.#end(task, end.state, null, { error: end.error, failedId: end.taskId });
    }
  }

  /**
   * Writes what ended since the last call: the tasks leave `tasks` and enter `finished`, both in this
   * transaction, and with them the errbacks of what failed. To be called before anything is picked: what
   * has ended must not be found waiting. Rows written: one per task, and one; one or two per errback.
   */
  write(): void {
    this.#sequels.run();
    for (const [parked, ids] of this.#goneIds.entries()) {
      if (ids.length === 0) continue;
      consume(
        this.#sql.exec(
          // Bound, `parked` would have SQLite plan the statement anew with every run, for the index that it is in.
          `DELETE FROM tasks WHERE parked = ${parked} AND id IN (SELECT value FROM json_each(?))`,
          JSON.stringify(ids),
        ),
      );
    }
    this.#goneIds = [[], []];
    deleteDurable(this.#sql, this.#durableIds);
    this.#durableIds = [];
    releaseKeys(this.#sql, this.#ended.slice(this.#written), this.#now);
    this.#memory.finished.append(this.#ended.slice(this.#written), this.#now);
    this.#written = this.#ended.length;
    this.#sequels.forgetOver();
  }

  #attempt(task: TaskRow, { startedAt, ...end }: Omit<EndedAttempt, "finishedAt">): AttemptRecord {
    return endedAttempt(task, this.#memory.reports, { startedAt, finishedAt: this.#now, ...end });
  }

  #finish(task: FinishedTask): void {
    this.#ended.push(task);
    this.happenings?.ended(task);
  }

  #end(task: TaskRow, state: TerminalState, attempt: AttemptRecord | null, end: End): void {
    this.#goneIds[task.parked === 0 ? 0 : 1].push(task.id);
    this.#memory.parked.left(task);
    if (task.gate !== "") this.touchedGates.add(task.gate);
    const isCanvas = isHeld(task);
    if (task.options !== null) this.#sequels.of(task, state, end);
    const { large, error = null } = end;
    const result = end.isIgnored === true ? null : (end.result ?? null);
    const isDurable = task.is_durable === 1;
    const steps = isDurable ? stepSummaries(this.#sql, task.id) : null;
    if (isDurable) this.#durableIds.push(task.id);
    const at = this.#now;
    const isOwn = !isCanvas;
    const finished = toFinished(task, { state, at, result, error, attempt, steps, isOwn });
    this.#finish(large === undefined ? finished : { ...finished, large });
  }

  /** Parks a task as the canvas that it becomes. Rows written: those of a move, and those of the canvas. */
  #replace(
    lease: Lease,
    task: TaskRow,
    attempt: AttemptRecord,
    { plan, base }: Extract<Outcome, { kind: "replace" }>,
  ): void {
    const attempts = JSON.stringify(appended(task, attempt));
    const options = JSON.stringify(heldOptions(optionsOf(task), plan, base));
    this.movedIds.push(task.id);
    this.happenings?.returned(task, attempt);
    this.#sequels.replaced(holdTask(this.#sql, { ...task, attempts, options }, lease.token), plan);
  }

  /** Parks a task until it goes on with its steps. */
  #suspend(
    lease: Lease,
    task: TaskRow,
    attempt: AttemptRecord,
    suspension: Extract<Outcome, { kind: "suspend" }>,
  ): void {
    const attempts = JSON.stringify(appended(task, attempt));
    const { token } = lease;
    this.movedIds.push(task.id);
    this.happenings?.returned(task, attempt);
    this.noteParked(suspendTask(this.#sql, task, token, suspension, attempts, this.#now));
  }

  /**
   * Parks a task for its next attempt. Input: its row as claimed. Safe twice: the row's token becomes the
   * lease's, so neither this lease nor an older one holds or settles it any more. Rows written: 2.
   */
  #returnToQueue(
    lease: Lease,
    task: TaskRow,
    attempt: AttemptRecord,
    end: AttemptEnd,
    losses: number,
  ): void {
    const isLost = end.event === "lose";
    const dueAt = this.#now + Math.max(0, end.delayMs);
    parkForNext(this.#sql, task, {
      dueAt,
      retries: task.retries + (isLost ? 0 : 1),
      attempts: JSON.stringify(appended(task, attempt)),
      isSuspect: isLost,
      losses,
      token: lease.token,
    });
    this.movedIds.push(task.id);
    this.happenings?.returned(task, attempt);
    this.noteParked({ ...task, due_at: dueAt });
  }
}

import {
  describeError,
  isTerminal,
  partsOfGate,
  TaskRevokedError,
  transition,
  WorkerLostError,
  type AttemptRecord,
  type ErrorInfo,
  type FinishedTask,
  type LargeResult,
  type LogLine,
  type Outcome,
  type State,
  type TaskEvent,
  type TaskSpec,
  type TerminalState,
} from "#engine";
import type { AttemptEnd } from "./attempt-end.ts";
import type { Lease } from "./leases.ts";
import type { Memory } from "./memory.ts";
import { releaseKeys } from "./uniques.ts";
import { parkAnew, parkForNext } from "./parking.ts";
import type { SqlPort } from "./ports.ts";
import { appended, optionsOf, toFinished, waitingState, type TaskRow } from "./rows.ts";
import { consume } from "./schema.ts";
import { deleteDurable, stepSummaries, suspendTask } from "./steps.ts";
import { insertTasks } from "./submit.ts";

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
  /** What is called because others failed. */
  #errbacks: TaskSpec[] = [];
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

  constructor(sql: SqlPort, memory: Memory, now: number) {
    this.#sql = sql;
    this.#memory = memory;
    this.#now = now;
  }

  get ended(): readonly FinishedTask[] {
    return this.#ended;
  }

  /** A task is parked in this transaction: somebody has to come for it when it is due. */
  noteParked({ queue, gate, priority, due_at: dueAt, expires_at: expiresAt }: ParkedPlace): void {
    this.#memory.parked.note(queue, gate, priority);
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
    const move = "UPDATE tasks SET parked = 1, gate = ? WHERE parked = ? AND id = ?";
    consume(this.#sql.exec(move, gate, task.parked, task.id));
    this.noteParked({ ...task, gate });
  }

  /**
   * A task that waits gets another place, due time or content. Whatever it was, it is parked then. Input:
   * its row as it is, and as it is to be. Safe twice. Rows written: 2, and one more if it expires.
   */
  moveWaiting(task: TaskRow, to: TaskRow): void {
    if (task.parked === 0) this.#memory.lanes.remove(task.id);
    parkAnew(this.#sql, task, to);
    this.movedIds.push(task.id);
    this.noteParked(to);
    if (task.gate !== "") this.touchedGates.add(task.gate);
  }

  /** A call that was merged into another task, and whose own id is known already, ends at once. */
  endMerged(call: TaskRow, into: string): void {
    const row = { ...call, fingerprint: `${call.fingerprint}\n${into}` };
    const error = { ...revokedBy("revoked"), exc_message: `one with ${into}` };
    this.#ended.push(
      toFinished(row, {
        state: "REVOKED",
        at: this.#now,
        result: null,
        error,
        attempt: null,
        steps: null,
      }),
    );
  }

  /** Ends the attempt of a task under its lease. The caller has checked that the lease holds it. */
  endAttempt(lease: Lease, task: TaskRow, end: AttemptEnd): void {
    this.#memory.leases.release(lease, task.id);
    if (task.gate !== "") this.touchedGates.add(task.gate);
    const losses = task.solo_losses + (end.event === "lose" && lease.isSolo ? 1 : 0);
    const isPoison = losses >= MAX_SOLO_LOSSES;
    const next = after("STARTED", isPoison ? "poison" : end.event);
    const attempt: AttemptRecord = {
      attempt: task.attempts_made + 1,
      startedAt: Math.max(lease.claimedAt, this.#now - Math.max(0, end.runtimeMs)),
      finishedAt: this.#now,
      outcome: OUTCOME_OF[end.event],
      error: end.error,
      ...this.#logsOf(task.id, end.logs),
    };
    if (isTerminal(next)) {
      const error = isPoison ? describeError(new WorkerLostError(losses)) : end.error;
      const kept = withoutLedgerStack(error, isPoison);
      this.#end(task, next, attempt, end.result, kept, end.large);
    } else if (task.is_revoked === 1) {
      this.#end(task, "REVOKED", attempt, null, revokedBy("revoked"));
    } else if (end.suspension !== undefined) {
      this.#suspend(lease, task, attempt, end.suspension);
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
    const attempt: AttemptRecord | null =
      runningSince === null
        ? null
        : {
            attempt: task.attempts_made + 1,
            startedAt: runningSince,
            finishedAt: this.#now,
            outcome: "revoked",
            error: null,
            ...this.#logsOf(task.id),
          };
    const reason =
      event === "expire" ? "expired" : event === "terminate" ? "terminated" : "revoked";
    this.#end(task, "REVOKED", attempt, null, revokedBy(reason));
  }

  /**
   * Writes what ended since the last call: the tasks leave `tasks` and enter `finished`, both in this
   * transaction, and with them the errbacks of what failed. To be called before anything is picked: what
   * has ended must not be found waiting. Rows written: one per task, and one; one or two per errback.
   */
  write(): void {
    for (const [parked, ids] of this.#goneIds.entries()) {
      if (ids.length === 0) continue;
      consume(
        this.#sql.exec(
          "DELETE FROM tasks WHERE parked = ? AND id IN (SELECT value FROM json_each(?))",
          parked,
          JSON.stringify(ids),
        ),
      );
    }
    this.#goneIds = [[], []];
    deleteDurable(this.#sql, this.#durableIds);
    this.#durableIds = [];
    releaseKeys(this.#sql, this.#ended.slice(this.#written), this.#now);
    this.#memory.finished.append(this.#ended.slice(this.#written));
    this.#written = this.#ended.length;
    if (this.#errbacks.length === 0) return;
    insertTasks(this.#sql, this.#memory, this, this.#errbacks, this.#now);
    this.#errbacks = [];
  }

  /** The log of an attempt that ends: what came with its end, else what was reported last. */
  #logsOf(taskId: string, logs?: readonly LogLine[]): { logs?: readonly LogLine[] } {
    const { reports } = this.#memory;
    if (logs === undefined && reports.isEmpty) return NO_LOGS;
    const reported = reports.end(taskId);
    const kept = logs ?? reported?.logs ?? null;
    return kept === null ? {} : { logs: kept };
  }

  #end(
    task: TaskRow,
    state: TerminalState,
    attempt: AttemptRecord | null,
    result: string | null,
    error: ErrorInfo | null,
    large?: LargeResult,
  ): void {
    this.#goneIds[task.parked === 0 ? 0 : 1].push(task.id);
    if (task.gate !== "") this.touchedGates.add(task.gate);
    if (state === "FAILURE" && task.options !== null) {
      this.#errbacks.push(...(optionsOf(task).link_error ?? []));
    }
    const isDurable = task.is_durable === 1;
    const steps = isDurable ? stepSummaries(this.#sql, task.id) : null;
    if (isDurable) this.#durableIds.push(task.id);
    const at = this.#now;
    const finished = toFinished(task, { state, at, result, error, attempt, steps });
    this.#ended.push(large === undefined ? finished : { ...finished, large });
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
    this.noteParked({ ...task, due_at: dueAt });
  }
}

const NO_LOGS = {};

const OUTCOME_OF = {
  succeed: "success",
  fail: "failure",
  ignore: "ignored",
  retry: "retry",
  suspend: "suspended",
  lose: "lost",
} as const;

/** The state after an event that the caller knows to be possible. */
function after(state: State, event: TaskEvent): State {
  const next = transition(state, event);
  if (next === null) throw new Error(`No transition from ${state} on ${event}.`);
  return next;
}

function revokedBy(reason: "revoked" | "terminated" | "expired"): ErrorInfo {
  return withoutLedgerStack(describeError(new TaskRevokedError(reason)), true);
}

/** An error the ledger itself made has no stack worth keeping. */
function withoutLedgerStack<Info extends ErrorInfo | null>(error: Info, isOwn: boolean): Info {
  return error === null || !isOwn ? error : { ...error, traceback: null };
}

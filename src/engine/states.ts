/**
 * The states of a task and the one table by which they change.
 *
 * ```
 *  submit          claim            succeed
 * ───────► PENDING ─────► STARTED ─────────────► SUCCESS
 *             │            ▲  │ │  fail, poison
 *             │      claim │  │ └──────────────► FAILURE
 *             │            │  │ retry, lose
 *             │          RETRY◄┤
 *             │            │   │ terminate
 *             └────────────┴───┴───────────────► REVOKED
 *               revoke, terminate, expire
 *
 *  STARTED ──ignore───► IGNORED
 *  STARTED ──suspend──► SUSPENDED ──claim──► STARTED: in the middle of durable steps
 *  SUSPENDED ───► SUCCESS, FAILURE, REVOKED, IGNORED: a canvas, as its members end
 * ```
 * States and their sets are Celery's (`celery/states.py`). STARTED is not stored: a task is STARTED
 * while a live lease holds it.
 */
export const STATES = [
  "PENDING",
  "STARTED",
  "RETRY",
  "SUSPENDED",
  "SUCCESS",
  "FAILURE",
  "REVOKED",
  "IGNORED",
] as const;
export type State = (typeof STATES)[number];

/** States that never change again (Celery's READY_STATES, and IGNORED). */
export type TerminalState = "SUCCESS" | "FAILURE" | "REVOKED" | "IGNORED";
/** States in which a task has no runner and waits to be claimed. */
export type WaitingState = "PENDING" | "RETRY" | "SUSPENDED";

export const READY_STATES: ReadonlySet<State> = new Set([
  "SUCCESS",
  "FAILURE",
  "REVOKED",
  "IGNORED",
]);

/** What came last was an error (Celery's EXCEPTION_STATES). */
export const EXCEPTION_STATES: ReadonlySet<State> = new Set(["RETRY", "FAILURE", "REVOKED"]);

export function isTerminal(state: State): state is TerminalState {
  return READY_STATES.has(state);
}

/**
 * What can happen to a task.
 * - `claim`: a consumer took it under a lease.
 * - `succeed`, `fail`, `retry`: its runner settled the attempt with that outcome.
 * - `ignore`: its runner ended it without a result.
 * - `suspend`: its runner gave it up in the middle of its durable steps, to go on later.
 * - `lose`: its lease expired without a settle.
 * - `poison`: it was lost once too often while running alone.
 * - `revoke`: somebody called it off; `terminate` also stops it while it runs.
 * - `expire`: its `expires` passed before it was claimed.
 */
export type TaskEvent =
  | "claim"
  | "succeed"
  | "fail"
  | "ignore"
  | "retry"
  | "suspend"
  | "lose"
  | "poison"
  | "revoke"
  | "terminate"
  | "expire";

type Row = Readonly<Partial<Record<TaskEvent, State>>>;

const WAITING: Row = {
  claim: "STARTED",
  revoke: "REVOKED",
  terminate: "REVOKED",
  expire: "REVOKED",
};

const TRANSITIONS: Readonly<Record<State, Row>> = {
  PENDING: WAITING,
  RETRY: WAITING,
  // It has started: its `expires` is past.
  SUSPENDED: { claim: "STARTED", revoke: "REVOKED", terminate: "REVOKED" },
  STARTED: {
    succeed: "SUCCESS",
    fail: "FAILURE",
    ignore: "IGNORED",
    retry: "RETRY",
    suspend: "SUSPENDED",
    lose: "RETRY",
    poison: "FAILURE",
    // As in Celery, a plain revoke lets a running attempt end; it is marked and not tried again.
    revoke: "STARTED",
    terminate: "REVOKED",
  },
  SUCCESS: {},
  FAILURE: {},
  REVOKED: {},
  IGNORED: {},
};

/** The state that follows, or null where the event has no meaning in that state (a logged no-op). */
export function transition(state: State, event: TaskEvent): State | null {
  return TRANSITIONS[state][event] ?? null;
}

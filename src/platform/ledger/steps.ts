import {
  MAX_EVENTS,
  MAX_EVENTS_BYTES,
  MAX_SHOWN_STEPS,
  type DurableState,
  type EventAnswer,
  type Outcome,
  type StepEntry,
  type StepRecord,
  type StepSummary,
  type TaskEventRecord,
} from "#engine";
import type { Changes } from "./changes.ts";
import { NEVER } from "./canvas/held.ts";
import { findLive, type Memory } from "./memory/memory.ts";
import type { SqlPort } from "./ports.ts";
import { suspensionOf, type Suspension, type TaskRow } from "./rows.ts";
import { consume } from "./schema.ts";

type Suspended = Extract<Outcome, { kind: "suspend" }>;

/** What a task's run begins with. */
export function readDurable(sql: SqlPort, taskId: string, now: number): DurableState {
  const steps = sql.exec<{ record: string }>(
    "SELECT record FROM steps WHERE task_id = ? ORDER BY idx",
    taskId,
  );
  const events = sql.exec<TaskEventRecord & Record<string, string | number>>(
    "SELECT seq, name, payload FROM events WHERE task_id = ? ORDER BY seq",
    taskId,
  );
  return {
    steps: Array.from(steps, ({ record }) => JSON.parse(record) as StepRecord),
    events: [...events],
    now,
  };
}

/**
 * Records a step of a task that runs under the entry's token, and takes the event that it got. Safe twice or
 * late: what is done stays so. Rows written: 1, the first time 2; 1 per event; none when nothing changes.
 * @returns false: the task does not run under this token any more
 */
export function recordStep(
  sql: SqlPort,
  memory: Memory,
  { taskId, token, step, eventSeq }: StepEntry,
): boolean {
  const lease = memory.leases.holding(taskId);
  const task = lease?.tasks.get(taskId);
  if (lease?.token !== token || task === undefined) return false;
  // Only once: the number of an event that is gone may be a later one's by the time the call is repeated.
  const takes = eventSeq !== null && !isDone(sql, taskId, step.index);
  writeStep(sql, taskId, step);
  if (takes) {
    consume(sql.exec("DELETE FROM events WHERE task_id = ? AND seq = ?", taskId, eventSeq));
  }
  markDurable(sql, memory, task);
  return true;
}

/** Parks a task until it goes on. Rows written: 2 and one per step. Returns the row as it is then. */
export function suspendTask(
  sql: SqlPort,
  task: TaskRow,
  token: number,
  outcome: Suspended,
  attempts: string,
  now: number,
): TaskRow {
  for (const step of outcome.steps) writeStep(sql, task.id, step);
  const hasEvent = outcome.events.some((name) => isDelivered(sql, task.id, name));
  const dueAt = hasEvent ? now : Math.max(now, outcome.wakeAt ?? NEVER);
  const suspension = JSON.stringify(suspensionFor(outcome));
  const parked: TaskRow = {
    ...task,
    parked: 1,
    due_at: dueAt,
    // It has started: what was to start before a time has.
    expires_at: null,
    is_durable: 1,
    is_suspect: 0,
    suspension,
    attempts,
    token,
  };
  consume(
    sql.exec(
      `UPDATE tasks SET parked = 1, due_at = ?, expires_at = NULL, is_durable = 1, is_suspect = 0,
         suspension = ?, attempts = ?, token = ? WHERE parked = ? AND id = ? AND token < ?`,
      dueAt,
      suspension,
      attempts,
      token,
      task.parked,
      task.id,
      token,
    ),
  );
  return parked;
}

/**
 * Keeps an event for a task, and wakes the task if it waits for it. Rows written: 1, the first time 2; 2
 * more if it wakes the task.
 * @param key tells the same delivery from another; null: each is one of its own
 */
export function deliverEvent(
  sql: SqlPort,
  memory: Memory,
  changes: Changes,
  taskId: string,
  event: { readonly name: string; readonly payload: string; readonly key: string | null },
  now: number,
): EventAnswer {
  const task = findLive(sql, memory, taskId);
  if (task === null) return "ended";
  const { key } = event;
  const [known] =
    key === null
      ? []
      : sql.exec("SELECT 1 AS one FROM event_keys WHERE task_id = ? AND key = ?", taskId, key);
  if (known !== undefined) return "exists";
  const [kept] = sql.exec<{ count: number; bytes: number; last: number }>(
    `SELECT count(*) AS count, coalesce(sum(length(CAST(payload AS BLOB))), 0) AS bytes,
       coalesce(max(seq), 0) AS last FROM events WHERE task_id = ?`,
    taskId,
  );
  const { count = 0, bytes = 0, last = 0 } = kept ?? {};
  if (count >= MAX_EVENTS || bytes + event.payload.length > MAX_EVENTS_BYTES) return "too_many";
  consume(
    sql.exec(
      "INSERT INTO events (task_id, seq, name, payload) VALUES (?, ?, ?, ?)",
      taskId,
      // Those that were taken are gone: time keeps the numbers rising.
      Math.max(last + 1, now * 1_000),
      event.name,
      event.payload,
    ),
  );
  if (key !== null) {
    consume(sql.exec("INSERT INTO event_keys (task_id, key) VALUES (?, ?)", taskId, key));
  }
  markDurable(sql, memory, task);
  if (memory.leases.holding(taskId) === undefined) wake(sql, changes, task, event.name, now);
  return "delivered";
}

function wake(sql: SqlPort, changes: Changes, task: TaskRow, name: string, now: number): void {
  const suspension = suspensionOf(task);
  if (suspension === null || !suspension.events.includes(name) || task.due_at <= now) return;
  consume(sql.exec("UPDATE tasks SET due_at = ? WHERE parked = 1 AND id = ?", now, task.id));
  changes.noteParked({ ...task, due_at: now });
}

/** The steps of a task as readers see them, oldest first. */
export function stepSummaries(sql: SqlPort, taskId: string): StepSummary[] {
  const rows = sql.exec<{ record: string }>(
    "SELECT record FROM steps WHERE task_id = ? ORDER BY idx DESC LIMIT ?",
    taskId,
    MAX_SHOWN_STEPS,
  );
  const newest = Array.from(rows, ({ record }) => {
    const step = JSON.parse(record) as StepRecord;
    const { result: _r, retries: _t, nth: _n, begun: _b, place: _p, slept: _s, ...shown } = step;
    return shown;
  });
  return newest.toReversed();
}

/** Forgets the steps of tasks that ended. Rows written: one per step, event and key. */
export function deleteDurable(sql: SqlPort, taskIds: readonly string[]): void {
  if (taskIds.length === 0) return;
  const ids = JSON.stringify(taskIds);
  for (const table of ["steps", "events", "event_keys"]) {
    consume(
      sql.exec(`DELETE FROM ${table} WHERE task_id IN (SELECT value FROM json_each(?))`, ids),
    );
  }
}

function suspensionFor({ wakeAt, events, steps }: Suspended): Suspension {
  const last = steps.at(-1);
  const name = last?.name ?? "";
  const waiting: Suspension["waiting"] =
    last?.kind === "event" || wakeAt === null
      ? { reason: "event", name, until: wakeAt }
      : { reason: last?.kind === "step" ? "step_retry" : "sleep", name, until: wakeAt };
  return { waiting, events };
}

function isDelivered(sql: SqlPort, taskId: string, name: string): boolean {
  const [event] = sql.exec(
    "SELECT 1 AS one FROM events WHERE task_id = ? AND name = ? LIMIT 1",
    taskId,
    name,
  );
  return event !== undefined;
}

function writeStep(sql: SqlPort, taskId: string, step: StepRecord): void {
  consume(
    sql.exec(
      `INSERT INTO steps (task_id, idx, record) VALUES (?, ?, ?)
       ON CONFLICT (task_id, idx) DO UPDATE SET record = excluded.record
       WHERE record <> excluded.record AND record ->> '$.state' <> 'done'`,
      taskId,
      step.index,
      JSON.stringify(step),
    ),
  );
}

function isDone(sql: SqlPort, taskId: string, index: number): boolean {
  const [step] = sql.exec(
    "SELECT 1 AS one FROM steps WHERE task_id = ? AND idx = ? AND record ->> '$.state' = 'done'",
    ...[taskId, index],
  );
  return step !== undefined;
}

function markDurable(sql: SqlPort, memory: Memory, task: TaskRow): void {
  if (task.is_durable === 1) return;
  const mark = "UPDATE tasks SET is_durable = 1 WHERE parked = ? AND id = ?";
  consume(sql.exec(mark, task.parked, task.id));
  const lease = memory.leases.holding(task.id);
  const held = lease?.tasks.get(task.id);
  if (lease !== undefined && held !== undefined) {
    memory.leases.update(lease, { ...held, is_durable: 1 });
  } else if (task.parked === 0) {
    memory.lanes.forgetRow(task.id);
  }
}

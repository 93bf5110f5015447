import { partsOfGate, spacingMs, type TaskLimits, type Waiting } from "#engine";
import type { Memory } from "./memory.ts";
import type { SqlPort } from "./ports.ts";
import { suspensionOf, type TaskRow } from "./rows.ts";

/** Tasks that are counted to say how many are ahead. */
const MAX_COUNTED = 10_000;

/** Why a task that waits has not started, as far as this ledger knows. */
export function whyWaiting(sql: SqlPort, memory: Memory, row: TaskRow, now: number): Waiting {
  const { queue } = row;
  const suspension = suspensionOf(row);
  if (suspension !== null && row.due_at > now) return suspension.waiting;
  if (row.due_at > now) return { reason: "eta", until: row.due_at };
  if (memory.controls.current.isShutDown) return { reason: "shutdown" };
  if (memory.controls.isPaused(queue)) return { reason: "paused", queue };
  const { name, key } = partsOfGate(row.gate);
  const limits = name === "" ? null : memory.controls.limitsOf(name);
  const isLimited = limits !== null && available(memory, row.gate, limits, now) <= 0;
  if (isLimited) return atGate(sql, memory, row, limits, key, now);
  if (row.is_suspect === 1) return { reason: "suspect" };
  return { reason: "backlog", queue, ahead: ahead(sql, memory, row, now) };
}

function available(memory: Memory, gate: string, limits: TaskLimits, now: number): number {
  return memory.permits.available(gate, limits, (at) => memory.leases.runningAt(at), now);
}

function atGate(
  sql: SqlPort,
  memory: Memory,
  row: TaskRow,
  limits: TaskLimits,
  key: string | null,
  now: number,
): Waiting {
  const before = parkedBefore(sql, memory, row, now);
  const concurrency =
    (key === null ? null : limits.perKey.concurrency) ?? limits.concurrency ?? Infinity;
  const running = memory.leases.runningAt(row.gate);
  const isFull = memory.permits.places(row.name, key ?? "") <= running.size;
  const rates = [limits.rate, key === null ? null : limits.perKey.rate].filter(
    (rate) => rate !== null,
  );
  if (concurrency !== Infinity && (isFull || rates.length === 0)) {
    const holders = [...running];
    return { reason: "concurrency", key, limit: concurrency, holders, ahead: before };
  }
  const spacing = Math.max(...rates.map(spacingMs));
  const next = memory.permits.nextSlot(row.gate, limits, (at) => memory.leases.runningAt(at), now);
  const until = Math.round((next ?? now + spacing) + before * spacing);
  return { reason: "rate_limit", key, until, ahead: before };
}

/** Due tasks of a queue that are claimed before this one, in this shard. */
function ahead(sql: SqlPort, memory: Memory, row: TaskRow, now: number): number {
  const inLanes = memory.lanes.ahead(row.queue, row.priority, row.id);
  const [higher] = sql.exec<{ count: number }>(
    `SELECT count(*) AS count FROM (SELECT 1 FROM tasks INDEXED BY parked_tasks WHERE parked = 1
       AND queue = ? AND gate = '' AND due_at <= ? AND (priority > ? OR (priority = ? AND
       (due_at, id) < (?, ?))) AND id NOT IN (SELECT value FROM json_each(?)) LIMIT ?)`,
    row.queue,
    now,
    row.priority,
    row.priority,
    row.due_at,
    row.id,
    JSON.stringify([...memory.leases.heldIds()]),
    MAX_COUNTED,
  );
  return inLanes + (higher?.count ?? 0);
}

/** Due tasks at the same gate that are before this one. */
function parkedBefore(sql: SqlPort, memory: Memory, row: TaskRow, now: number): number {
  const [before] = sql.exec<{ count: number }>(
    `SELECT count(*) AS count FROM (SELECT 1 FROM tasks INDEXED BY parked_tasks WHERE parked = 1
       AND queue = ? AND gate = ? AND due_at <= ? AND (priority > ? OR (priority = ? AND
       (due_at, id) < (?, ?))) AND id NOT IN (SELECT value FROM json_each(?)) LIMIT ?)`,
    row.queue,
    row.gate,
    now,
    row.priority,
    row.priority,
    row.due_at,
    row.id,
    JSON.stringify([...memory.leases.runningAt(row.gate)]),
    MAX_COUNTED,
  );
  return before?.count ?? 0;
}

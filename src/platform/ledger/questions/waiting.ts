import { MAX_PRIORITY, partsOfGate, spacingMs, type TaskLimits, type Waiting } from "#engine";
import type { Gatekeeper } from "../limits/gatekeeper.ts";
import type { Memory } from "../memory/memory.ts";
import type { SqlPort } from "../ports.ts";
import { suspensionOf, type TaskRow } from "../rows.ts";

/** Tasks that are counted to say how many are ahead. */
const MAX_COUNTED = 10_000;

/** What the limiters said. */
type Asked = Pick<Gatekeeper, "askAt" | "isPaced">;

/** Why a task that waits has not started, as far as this ledger knows. */
export function whyWaiting(
  sql: SqlPort,
  memory: Memory,
  row: TaskRow,
  gatekeeper: Asked,
  now: number,
): Waiting {
  const { queue } = row;
  const suspension = suspensionOf(row);
  if (suspension !== null && row.due_at > now) return suspension.waiting;
  if (row.due_at > now) return { reason: "eta", until: row.due_at };
  if (memory.controls.current.isShutDown) return { reason: "shutdown" };
  if (memory.controls.isPaused(queue)) return { reason: "paused", queue };
  if (memory.finished.isBehind) return { reason: "history_behind" };
  const { name, key } = partsOfGate(row.gate);
  const limits = name === "" ? null : memory.controls.limitsOf(name);
  const isLimited = limits !== null && available(memory, row.gate, limits, now) <= 0;
  if (isLimited) return atGate(sql, memory, row, limits, key, gatekeeper, now);
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
  gatekeeper: Asked,
  now: number,
): Waiting {
  const concurrency =
    (key === null ? null : limits.perKey.concurrency) ?? limits.concurrency ?? Infinity;
  const running = memory.leases.runningAt(row.gate);
  const before = parkedBefore(sql, memory, row, running, now);
  // Who waits for a start has no place either.
  const isFull =
    memory.permits.places(row.name, key ?? "") <= running.size && !gatekeeper.isPaced(row.gate);
  const rates = [limits.rate, key === null ? null : limits.perKey.rate].filter(
    (rate) => rate !== null,
  );
  if (concurrency !== Infinity && (isFull || rates.length === 0)) {
    const holders = [...running];
    return { reason: "concurrency", key, limit: concurrency, holders, ahead: before };
  }
  const spacing = Math.max(...rates.map(spacingMs));
  const next = memory.permits.nextSlot(row.gate, limits, (at) => memory.leases.runningAt(at), now);
  const saidAt = gatekeeper.askAt(row.gate);
  const nextAt = next ?? (saidAt > now ? saidAt : now + spacing);
  const until = Math.round(nextAt + before * spacing);
  return { reason: "rate_limit", key, until, ahead: before };
}

/** Due tasks of a queue that are claimed before this one, in this shard. */
function ahead(sql: SqlPort, memory: Memory, row: TaskRow, now: number): number {
  const inLanes = memory.lanes.ahead(row.queue, row.priority, row.id);
  return inLanes + parkedBefore(sql, memory, { ...row, gate: "" }, memory.leases.heldIds(), now);
}

/**
 * Due tasks at the same gate that are before this one, but for those that run. Counts a range of the index for
 * each priority, so what is not due yet is not read, however much there is of it.
 */
function parkedBefore(
  sql: SqlPort,
  memory: Memory,
  { queue, gate, priority: own, due_at: dueAt, id }: TaskRow,
  running: Iterable<string>,
  now: number,
): number {
  const held = JSON.stringify([...running]);
  let count = 0;
  for (let priority = MAX_PRIORITY; priority >= own && count < MAX_COUNTED; priority -= 1) {
    if (!memory.parked.mayHave(queue, gate, priority)) continue;
    const until = priority === own ? ([dueAt, id] as const) : ([now + 1, ""] as const);
    const [before] = sql.exec<{ count: number }>(
      `SELECT count(*) AS count FROM (SELECT 1 FROM tasks INDEXED BY parked_tasks WHERE parked = 1
         AND queue = ? AND gate = ? AND priority = ? AND (due_at, id) < (?, ?)
         AND id NOT IN (SELECT value FROM json_each(?)) LIMIT ?)`,
      queue,
      gate,
      priority,
      ...until,
      held,
      MAX_COUNTED - count,
    );
    count += before?.count ?? 0;
  }
  return count;
}

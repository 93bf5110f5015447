import { MAX_PRIORITY } from "#engine";
import type { LaneEntry } from "./lanes.ts";
import type { Memory } from "./memory.ts";
import type { SqlPort } from "./ports.ts";
import type { TaskRow } from "./rows.ts";

/** What a claim gets. */
export interface Picked {
  readonly tasks: readonly TaskRow[];
  /** True: one suspect, to be run alone. */
  readonly isSolo: boolean;
  /** Tasks that were reached too late: their `expires` has passed. */
  readonly expired: readonly TaskRow[];
}

export interface PickRequest {
  readonly queue: string;
  readonly limit: number;
  /** The consumer runs nothing else: only then it may get a suspect. */
  readonly isIdle: boolean;
  readonly now: number;
}

/**
 * Chooses the tasks for one claim: by priority, then due time, then submission, exactly, over the lanes
 * in memory and the parked tasks on disk. Takes lane entries out of their lanes; the caller leases what
 * it gets in the same transaction.
 */
export function pickTasks(sql: SqlPort, memory: Memory, request: PickRequest): Picked {
  const tasks: TaskRow[] = [];
  const expired: TaskRow[] = [];
  const taken = new Set<string>();
  for (let priority = MAX_PRIORITY; priority >= 0; priority -= 1) {
    // Some of those met may have expired: go on until there are enough.
    for (;;) {
      const wanted = request.limit - tasks.length;
      if (wanted <= 0) return { tasks, isSolo: false, expired };
      const met = merge(memory, request, priority, wanted, taken, tasks.length === 0);
      if (met.suspect !== null) return { tasks: [met.suspect], isSolo: true, expired };
      const rows = inOrder(readReady(sql, met.ready), met.parked);
      for (const row of rows) (isExpired(row, request.now) ? expired : tasks).push(row);
      if (met.ready.length + met.parked.length < wanted && !met.isCut) break;
    }
  }
  return { tasks, isSolo: false, expired };
}

interface Met {
  /** Entries of the lane and rows from disk, each in order of due time. */
  readonly ready: LaneEntry[];
  readonly parked: TaskRow[];
  readonly suspect: TaskRow | null;
  /** The walk ended at a suspect: should all before it have expired, it is its turn. */
  readonly isCut: boolean;
}

/** Walks one priority's lane and parked tasks by due time and takes the first `wanted`. */
function merge(
  memory: Memory,
  { queue, isIdle, now }: PickRequest,
  priority: number,
  wanted: number,
  taken: Set<string>,
  isFirst: boolean,
): Met {
  const met: Met = { ready: [], parked: [], suspect: null, isCut: false };
  const parked = waitingParked(memory, queue, priority, now);
  let next = parked.next();
  while (met.ready.length + met.parked.length < wanted) {
    const lane = memory.lanes.peek(queue, priority);
    if (next.done !== true && (lane === undefined || next.value.due_at < lane.dueAt)) {
      const row = next.value;
      if (taken.has(row.id)) {
        // Met in an earlier round of this pick.
      } else if (row.is_suspect === 0 || isExpired(row, now)) {
        met.parked.push(row);
        taken.add(row.id);
      } else if (isIdle && isFirst) {
        // Not past it: what comes after it may go first only if something before it is alive.
        parked.return(undefined);
        const isCut = met.ready.length + met.parked.length > 0;
        return isCut ? { ...met, isCut } : { ...met, suspect: row };
      }
      next = parked.next();
    } else if (lane !== undefined) {
      met.ready.push(lane);
      memory.lanes.shift(queue, priority);
    } else {
      break;
    }
  }
  parked.return(undefined);
  return met;
}

/** Due parked tasks that no lease holds. */
function* waitingParked(
  memory: Memory,
  queue: string,
  priority: number,
  now: number,
): Generator<TaskRow, undefined> {
  for (const row of memory.parked.inOrder(queue, priority)) {
    if (row.due_at > now) return;
    if (memory.leases.holding(row.id) === undefined) yield row;
  }
}

/** The rows of lane entries, in their order; those that were not kept with the entry are read. */
function readReady(sql: SqlPort, entries: readonly LaneEntry[]): TaskRow[] {
  const missing = entries.filter(({ row }) => row === null).map(({ id }) => id);
  const read = new Map<string, TaskRow>();
  if (missing.length > 0) {
    const rows = sql.exec<TaskRow>(
      "SELECT * FROM tasks WHERE parked = 0 AND id IN (SELECT value FROM json_each(?))",
      JSON.stringify(missing),
    );
    for (const row of rows) read.set(row.id, row);
  }
  return entries.flatMap(({ id, row }) => row ?? read.get(id) ?? []);
}

function inOrder(ready: TaskRow[], parked: readonly TaskRow[]): TaskRow[] {
  if (parked.length === 0) return ready;
  return [...ready, ...parked].sort((a, b) => a.due_at - b.due_at);
}

function isExpired(row: TaskRow, now: number): boolean {
  return row.expires_at !== null && row.expires_at <= now;
}

/** When the longest-waiting due task of a queue became due, epoch ms; null if none waits. */
export function oldestDue(memory: Memory, queue: string, now: number): number | null {
  let oldest = memory.lanes.oldest(queue);
  for (let priority = MAX_PRIORITY; priority >= 0; priority -= 1) {
    for (const row of waitingParked(memory, queue, priority, now)) {
      if (oldest === null || row.due_at < oldest) oldest = row.due_at;
      break;
    }
  }
  return oldest;
}

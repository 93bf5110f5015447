import { partsOfGate } from "#engine";
import type { LaneEntry, ReadyLanes } from "./memory/lanes.ts";
import type { Lease } from "./memory/leases.ts";
import { findLive, isStopped, type Memory } from "./memory/memory.ts";
import type { SqlPort } from "./ports.ts";
import type { TaskRow } from "./rows.ts";

/** Tasks of one queue and priority, the one that is due first at the front. */
export interface TaskSource {
  /** When its first task is or was due, epoch ms; null: it has none that may be claimed now. */
  dueAt(): number | null;
  peek(): TaskRow | null;
  /** Takes the first task out: it is claimed, or ends. */
  take(): void;
  /** Goes past the first task, which stays. */
  pass(): void;
  close(): void;
}

/** Characters of arguments that are read ahead at once, but for the last one's. */
const MAX_READ_CHARS = 1_024 * 1_024;

/** The lane in memory. Tasks that are taken leave it; none is ever passed over. */
export class LaneReader implements TaskSource {
  readonly #sql: SqlPort;
  readonly #lanes: ReadyLanes;
  readonly #queue: string;
  readonly #priority: number;
  readonly #ahead: number;
  /** Rows that were not kept with their entries, read ahead. */
  readonly #read = new Map<string, TaskRow>();

  /** @param ahead how many tasks may be taken: as many rows are read at once where they have to be, fewer large ones */
  constructor(sql: SqlPort, lanes: ReadyLanes, queue: string, priority: number, ahead: number) {
    this.#sql = sql;
    this.#lanes = lanes;
    this.#queue = queue;
    this.#priority = priority;
    this.#ahead = ahead;
  }

  dueAt(): number | null {
    return this.#lanes.peek(this.#queue, this.#priority)?.dueAt ?? null;
  }

  peek(): TaskRow | null {
    for (;;) {
      const entry = this.#lanes.peek(this.#queue, this.#priority);
      if (entry === undefined) return null;
      const row = entry.row ?? this.#rowOf(entry);
      if (row !== null) return row;
      this.take();
    }
  }

  take(): void {
    this.#lanes.shift(this.#queue, this.#priority);
  }

  pass(): void {
    // What waits in a lane is no suspect: it is always taken.
  }

  close(): void {
    this.#read.clear();
  }

  #rowOf(entry: LaneEntry): TaskRow | null {
    if (!this.#read.has(entry.id)) this.#readFrom(entry);
    return this.#read.get(entry.id) ?? null;
  }

  #readFrom({ id: first }: LaneEntry): void {
    const ids = this.#lanes.upcoming(this.#queue, this.#priority, this.#ahead);
    const rows = this.#sql.exec<TaskRow>(
      "SELECT tasks.* FROM json_each(?) AS ids CROSS JOIN tasks ON parked = 0 AND tasks.id = ids.value",
      JSON.stringify(ids),
    );
    let chars = 0;
    for (const row of rows) {
      this.#read.set(row.id, row);
      chars += row.kwargs.length;
      // The first one is the first of them; but whoever is not found here counts as gone.
      if (chars >= MAX_READ_CHARS && this.#read.has(first)) return;
    }
  }
}

/** What ends its isolate mostly does so sooner. */
const ALONE_MS = 20_000;

/** How many more tasks may pass one gate in a claim, whatever their priority. */
export interface Leave {
  left: number;
}

/** Due parked tasks of one gate that no lease holds, as many as may pass the gate now. */
export class ParkedReader implements TaskSource {
  readonly #memory: Memory;
  readonly #gate: string;
  readonly #now: number;
  readonly #rows: Generator<TaskRow, undefined>;
  readonly #leave: Leave;
  #head: TaskRow | null | undefined;

  constructor(
    memory: Memory,
    queue: string,
    gate: string,
    priority: number,
    leave: Leave,
    now: number,
  ) {
    this.#memory = memory;
    this.#gate = gate;
    this.#now = now;
    this.#leave = leave;
    this.#rows = dueParked(memory, queue, gate, priority, now);
  }

  dueAt(): number | null {
    return this.peek()?.due_at ?? null;
  }

  peek(): TaskRow | null {
    if (this.#leave.left <= 0) return null;
    if (this.#head === undefined) {
      const next = this.#rows.next();
      this.#head = next.done === true ? null : next.value;
    }
    return this.#head;
  }

  take(): void {
    const row = this.peek();
    this.#head = undefined;
    if (row === null || this.#leave.left === Infinity) return;
    // One that has expired is taken too, and needs no leave.
    if (row.expires_at !== null && row.expires_at <= this.#now) return;
    this.#leave.left -= 1;
    this.#memory.permits.use(this.#gate);
  }

  pass(): void {
    this.#head = undefined;
  }

  close(): void {
    this.#rows.return(undefined);
  }
}

/** How many tasks may pass a gate now. What a claim under way has taken is not counted yet. */
export function passable({ controls, permits, leases }: Memory, gate: string, now: number): number {
  const { name } = partsOfGate(gate);
  const limits = name === "" ? null : controls.limitsOf(name);
  if (limits === null) return Infinity;
  return permits.available(gate, limits, (at) => leases.runningAt(at), now);
}

/** Those that are limited come when they have leave to: it would be asked for again and again. */
function suspectsBeside({ leases }: Memory, gate: string): readonly Lease[] {
  return partsOfGate(gate).name === "" ? leases.solos() : [];
}

/** The suspect of a queue that was passed over, if it may start beside what runs; null: there is none. */
export function overtakenSuspect(
  sql: SqlPort,
  memory: Memory,
  queue: string,
  now: number,
): TaskRow | null {
  const id = memory.overtaken.get(queue);
  if (id === undefined) return null;
  memory.overtaken.delete(queue);
  const row = memory.leases.holding(id) === undefined ? findLive(sql, memory, id) : null;
  if (row === null || row.queue !== queue || row.is_suspect === 0 || row.due_at > now) return null;
  return mayStartBeside(suspectsBeside(memory, row.gate), row, now) ? row : null;
}

/** Due parked tasks of a gate that no lease holds and that may start beside those that run, by due time. */
function* dueParked(
  memory: Memory,
  queue: string,
  gate: string,
  priority: number,
  now: number,
): Generator<TaskRow, undefined> {
  const suspects = suspectsBeside(memory, gate);
  const isHeld = (id: string) => memory.leases.holding(id) !== undefined;
  for (const row of memory.parked.due(queue, gate, priority, isHeld, now)) {
    if (row.is_suspect === 0 || mayStartBeside(suspects, row, now)) yield row;
  }
}

/**
 * Consumers share isolates, so what ends theirs is a loss of its own to each suspect that runs. Those that had none
 * start side by side: mostly none of them did it. Who had one starts when no other suspect runs, and has 20 s before
 * another one comes.
 */
function mayStartBeside(suspects: readonly Lease[], row: TaskRow, now: number): boolean {
  if (row.solo_losses > 0) return suspects.length === 0;
  return !suspects.some(({ claimedAt, tasks }) => {
    const [other] = tasks.all();
    return other !== undefined && other.solo_losses > 0 && claimedAt > now - ALONE_MS;
  });
}

/**
 * When the longest-waiting task of a queue that may be claimed became due, epoch ms; null if there is
 * none: tasks at closed gates and in queues that are stopped don't count.
 */
export function oldestDue(memory: Memory, queue: string, now: number): number | null {
  if (isStopped(memory, queue)) return null;
  let oldest = memory.lanes.oldest(queue);
  for (const row of claimable(memory, queue, now)) {
    if (oldest === null || row.due_at < oldest) oldest = row.due_at;
  }
  return oldest;
}

/** Whether a queue has a task that may be claimed. */
export function hasDue(memory: Memory, queue: string, now: number): boolean {
  if (isStopped(memory, queue)) return false;
  return memory.lanes.oldest(queue) !== null || !claimable(memory, queue, now).next().done;
}

/** When the next limited task of a queue may start if none may now, epoch ms; null: not known. */
export function nextSlot(memory: Memory, queue: string, now: number): number | null {
  let next: number | null = null;
  if (memory.permits.isEmpty) return next;
  for (const gate of memory.parked.gates(queue)) {
    const { name } = partsOfGate(gate);
    const limits = name === "" ? null : memory.controls.limitsOf(name);
    if (limits === null) continue;
    const at = memory.permits.nextSlot(gate, limits, (of) => memory.leases.runningAt(of), now);
    if (at !== null && (next === null || at < next)) next = at;
  }
  return next;
}

/** Whether due tasks of a queue that is not paused wait at a gate: somebody has to see to it that they get leave. */
export function waitsAtGate(memory: Memory, queue: string, now: number): boolean {
  if (isStopped(memory, queue)) return false;
  for (const gate of memory.parked.gates(queue)) {
    if (partsOfGate(gate).name === "") continue;
    if (memory.parked.countDue([queue], gate, now, 1) > 0) return true;
  }
  return false;
}

/** The first task of every gate and priority that may be claimed. */
function* claimable(memory: Memory, queue: string, now: number): Generator<TaskRow, undefined> {
  for (const gate of memory.parked.gates(queue)) {
    if (passable(memory, gate, now) <= 0) continue;
    for (let priority = 9; priority >= 0; priority -= 1) {
      const rows = dueParked(memory, queue, gate, priority, now);
      const first = rows.next();
      rows.return(undefined);
      if (first.done !== true) yield first.value;
    }
  }
}

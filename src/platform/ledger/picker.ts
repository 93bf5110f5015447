import { gateOf, MAX_PRIORITY, partsOfGate } from "#engine";
import {
  LaneReader,
  ParkedReader,
  passable,
  overtakenSuspect,
  type Leave,
  type TaskSource,
} from "./sources.ts";
import type { Memory } from "./memory/memory.ts";
import type { SqlPort } from "./ports.ts";
import type { TaskRow } from "./rows.ts";

/** What a claim gets. */
export interface Picked {
  readonly tasks: readonly TaskRow[];
  /** True: one suspect, to be run alone. */
  readonly isSolo: boolean;
  /** Tasks that were reached too late: their `expires` has passed. */
  readonly expired: readonly TaskRow[];
  /** Tasks that became limited after they were submitted, with the gate at which they have to wait. */
  readonly gated: readonly (readonly [task: TaskRow, gate: string])[];
  /** False: there may be more that could be picked. */
  readonly isAll: boolean;
}

export interface PickRequest {
  readonly queue: string;
  readonly limit: number;
  /** The consumer runs nothing else: only then it may get a suspect. */
  readonly isIdle: boolean;
  readonly now: number;
}

/**
 * Characters of arguments in one claim, but for the last task's: an answer of more than 32 MiB would not get
 * through, and 200 tasks may bring 50. In the worst case a character takes three bytes.
 */
const MAX_CLAIMED_CHARS = 8_000_000;
/** A suspect that waits for longer is not passed over by two idle consumers one after the other. */
const SUSPECT_PATIENCE_MS = 10_000;
/** Tasks that end or are sent to a gate in one claim; there may be a backlog of them. */
const MAX_TURNED_AWAY = 1_000;

/**
 * Chooses the tasks for one claim: by priority, then due time, then submission, exactly, over the lanes
 * in memory and the parked tasks on disk. Where tasks have keys, those of equal priority are taken in
 * turns, one of each key. Limited tasks are taken as far as there is leave to start them; the others are
 * not even looked at. A suspect that was passed over for long comes before all: it takes a consumer of its
 * own, and somebody may always be first in line. Takes lane entries out of their lanes and uses up leave;
 * the caller leases what it gets in the same transaction.
 */
export function pickTasks(sql: SqlPort, memory: Memory, request: PickRequest): Picked {
  const { queue, limit, isIdle, now } = request;
  const picked = {
    tasks: [] as TaskRow[],
    isSolo: false,
    expired: [] as TaskRow[],
    gated: [] as [TaskRow, string][],
  };
  const overtaken = isIdle ? overtakenSuspect(sql, memory, queue, now) : null;
  if (overtaken !== null && mayStart(memory, overtaken, now)) {
    memory.permits.use(overtaken.gate);
    return { ...picked, tasks: [overtaken], isSolo: true, isAll: false };
  }
  const leaves = new Map<string, Leave>();
  const leaveOf = (gate: string) => {
    let leave = leaves.get(gate);
    if (leave === undefined) leaves.set(gate, (leave = { left: passable(memory, gate, now) }));
    return leave;
  };
  let chars = 0;
  const hasRoom = () =>
    picked.tasks.length < limit &&
    picked.expired.length + picked.gated.length < MAX_TURNED_AWAY &&
    chars < MAX_CLAIMED_CHARS;
  for (let priority = MAX_PRIORITY; priority >= 0; priority -= 1) {
    const turns = new Turns(sql, memory, leaveOf, queue, priority, limit, now);
    try {
      while (hasRoom()) {
        const row = turns.next();
        if (row === null) break;
        const gate = missedGate(memory, row);
        if (isExpired(row, now)) picked.expired.push(row);
        else if (gate !== null) picked.gated.push([row, gate]);
        else if (row.is_suspect === 1 && !(isIdle && picked.tasks.length === 0)) {
          const isLate = isIdle && row.due_at < now - SUSPECT_PATIENCE_MS;
          if (isLate && !memory.overtaken.has(queue)) memory.overtaken.set(queue, row.id);
          continue;
        } else picked.tasks.push(row);
        turns.take();
        chars += row.kwargs.length;
        if (row.is_suspect === 1 && picked.tasks[0] === row) {
          return { ...picked, isSolo: true, isAll: false };
        }
      }
    } finally {
      turns.close();
    }
  }
  return { ...picked, isAll: hasRoom() };
}

/**
 * Whose turn it is among the tasks of one queue and priority: keys take turns, and within a key (or
 * among the tasks without one) the task that is due first is next.
 */
class Turns {
  readonly #memory: Memory;
  readonly #keys: string[];
  readonly #sourcesOf: (key: string) => TaskSource[];
  readonly #open = new Map<string, TaskSource[]>();
  readonly #queue: string;
  readonly #priority: number;
  #turn = 0;
  #current: TaskSource | null = null;

  constructor(
    sql: SqlPort,
    memory: Memory,
    leaveOf: (gate: string) => Leave,
    queue: string,
    priority: number,
    limit: number,
    now: number,
  ) {
    this.#memory = memory;
    this.#queue = queue;
    this.#priority = priority;
    const gatesByKey = new Map<string, string[]>([["", [""]]]);
    for (const gate of memory.parked.gates(queue)) {
      if (gate === "" || !memory.parked.mayHave(queue, gate, priority)) continue;
      const key = partsOfGate(gate).key ?? "";
      const gates = gatesByKey.get(key);
      if (gates === undefined) gatesByKey.set(key, [gate]);
      else gates.push(gate);
    }
    this.#keys = memory.turns.inOrder(queue, priority, gatesByKey);
    this.#sourcesOf = (key) => {
      const sources: TaskSource[] = (gatesByKey.get(key) ?? []).map(
        (gate) => new ParkedReader(memory, queue, gate, priority, leaveOf(gate), now),
      );
      if (key === "") sources.unshift(new LaneReader(sql, memory.lanes, queue, priority, limit));
      return sources;
    };
  }

  /** The next task, or null. It stays where it is until it is taken; one that isn't is passed over. */
  next(): TaskRow | null {
    this.#current?.pass();
    while (this.#keys.length > 0) {
      this.#turn %= this.#keys.length;
      const key = this.#keys[this.#turn] ?? "";
      const source = this.#first(key);
      const row = source?.peek() ?? null;
      if (row !== null) {
        this.#current = source;
        return row;
      }
      if (source === null) this.#keys.splice(this.#turn, 1);
    }
    this.#current = null;
    return null;
  }

  /** Takes the task that `next` answered, and gives the turn to the next key. */
  take(): void {
    const source = this.#current;
    const row = source?.peek() ?? null;
    this.#current = null;
    if (source === null || row === null) return;
    source.take();
    if (this.#keys.length > 1) {
      this.#memory.turns.took(this.#queue, this.#priority, this.#keys[this.#turn] ?? "");
    }
    this.#turn += 1;
  }

  close(): void {
    for (const sources of this.#open.values()) for (const source of sources) source.close();
  }

  /** The source of a key whose first task is due first; null: none has any. */
  #first(key: string): TaskSource | null {
    let sources = this.#open.get(key);
    if (sources === undefined) this.#open.set(key, (sources = this.#sourcesOf(key)));
    let first: TaskSource | null = null;
    for (const source of sources) {
      const dueAt = source.dueAt();
      if (dueAt !== null && (first === null || dueAt < (first.dueAt() ?? 0))) first = source;
    }
    return first;
  }
}

function mayStart(memory: Memory, row: TaskRow, now: number): boolean {
  if (isExpired(row, now) || missedGate(memory, row) !== null) return false;
  return passable(memory, row.gate, now) > 0;
}

/** The gate that a task has not passed although its name is limited by now; null: none. */
function missedGate({ controls }: Memory, row: TaskRow): string | null {
  if (controls.limitsOf(row.name) === null) return null;
  const { name, key } = partsOfGate(row.gate);
  return name === "" ? gateOf(row.name, key) : null;
}

function isExpired(row: TaskRow, now: number): boolean {
  return row.expires_at !== null && row.expires_at <= now;
}

import { MAX_PRIORITY } from "#engine";
import type { SqlPort } from "../ports.ts";
import type { TaskRow } from "../rows.ts";

const PRIORITIES = Array.from({ length: MAX_PRIORITY + 1 }, (_, index) => MAX_PRIORITY - index);

/** Per priority: no parked task that may be claimed is due before this, epoch ms. Infinity: there are none; 0: not known. */
type Earliest = number[];

/** Of a task. */
type Rank = Pick<TaskRow, "due_at" | "id">;

/**
 * Reads the parked tasks of one ledger: those that wait for a time or at a gate, are tried again, were
 * lost, or found the lanes full. They are found through an index by queue, gate, priority and due time,
 * so a read costs what it finds, however many wait. Remembers until when none is due, to spare the look.
 */
export class ParkedTasks {
  readonly #sql: SqlPort;
  /** By queue and gate, in the order in which they were first seen. */
  readonly #known = new Map<string, Map<string, Earliest>>();
  /** By queue, gate and priority: up to this task a lease holds all of them. Thousands may run: none is read twice. */
  readonly #heldUntil = new Map<string, Rank>();

  constructor(sql: SqlPort) {
    this.#sql = sql;
    for (const { queue, gate } of this.#distinct()) this.#earliest(queue, gate, 0);
  }

  queues(): Iterable<string> {
    return this.#known.keys();
  }

  /** Gates of a queue at which tasks may wait; "" stands for those that wait at none. */
  gates(queue: string): Iterable<string> {
    return this.#known.get(queue)?.keys() ?? [];
  }

  /** Queues in which tasks may wait at a gate. */
  queuesOf(gate: string): string[] {
    return [...this.#known].filter(([, gates]) => gates.has(gate)).map(([queue]) => queue);
  }

  mayHave(queue: string, gate: string, priority: number): boolean {
    return this.#notBefore(queue, gate, priority) < Infinity;
  }

  /** To be called when a task is parked, or due earlier than it was. */
  note(queue: string, gate: string, priority: number, dueAt: number): void {
    const earliest = this.#earliest(queue, gate, Infinity);
    earliest[priority] = Math.min(earliest[priority] ?? Infinity, dueAt);
    const place = placeOf(queue, gate, priority);
    if (dueAt <= (this.#heldUntil.get(place)?.due_at ?? -Infinity)) this.#heldUntil.delete(place);
  }

  /** A task leaves its place at a gate: whoever looks there next sees whether any is left, and forgets it if not. */
  left({ queue, gate, priority }: Pick<TaskRow, "queue" | "gate" | "priority">): void {
    const earliest = gate === "" ? undefined : this.#known.get(queue)?.get(gate);
    if (earliest !== undefined && earliest[priority] !== Infinity) earliest[priority] = 0;
  }

  /** Due tasks of one queue, gate and priority that no lease holds, by due time. */
  *due(
    queue: string,
    gate: string,
    priority: number,
    isHeld: (id: string) => boolean,
    now: number,
  ): Generator<TaskRow> {
    if (this.#notBefore(queue, gate, priority) > now) return;
    const place = placeOf(queue, gate, priority);
    const { due_at: heldAt, id: heldId } = this.#heldUntil.get(place) ?? { due_at: -1, id: "" };
    let isFirst = true;
    let areHeld = true;
    const rows = this.#sql.exec<TaskRow>(
      `SELECT * FROM tasks WHERE parked = 1 AND queue = ? AND gate = ? AND priority = ?
         AND (due_at, id) > (?, ?) ORDER BY due_at, id`,
      ...[queue, gate, priority, heldAt, heldId],
    );
    for (const row of rows) {
      const { due_at: dueAt, id } = row;
      if (isFirst) this.#earliest(queue, gate, Infinity)[priority] = dueAt;
      isFirst = false;
      if (dueAt > now) return;
      areHeld &&= isHeld(id);
      if (areHeld) this.#heldUntil.set(place, { due_at: dueAt, id });
      else if (!isHeld(id)) yield row;
    }
    // Those that are held are still there.
    const isNone = isFirst && this.#firstDue(queue, gate, priority, -1) === null;
    if (isNone) this.#forget(queue, gate, priority);
  }

  /**
   * Parked tasks of a gate that are due, in these queues; counts to `limit` at most. Includes held ones. A
   * gate without any tasks is forgotten: those at a shut gate may end without anybody reading them. A LIMIT
   * that is bound alone would have SQLite plan the statement anew with every run.
   */
  countDue(queues: readonly string[], gate: string, now: number, limit: number): number {
    let count = 0;
    for (const queue of queues) {
      for (const priority of PRIORITIES) {
        if (count >= limit || !this.mayHave(queue, gate, priority)) continue;
        const [row] = this.#sql.exec<{ count: number }>(
          `SELECT count(*) AS count FROM (SELECT 1 FROM tasks WHERE parked = 1 AND queue = ?
             AND gate = ? AND priority = ? AND due_at <= ? LIMIT ? + 0)`,
          queue,
          gate,
          priority,
          now,
          limit - count,
        );
        count += row?.count ?? 0;
        if (row?.count === 0) this.#look(queue, gate, priority, now);
      }
    }
    return count;
  }

  /** Whether a task that no lease holds may be due at a gate, in these queues, as far as is known. Reads nothing. */
  mayBeDue(queues: readonly string[], gate: string, now: number): boolean {
    return queues.some((queue) =>
      this.#known
        .get(queue)
        ?.get(gate)
        ?.some((at) => at <= now),
    );
  }

  /** The earliest due time of a gate's parked tasks from `from` on, in all queues; null if there is none. */
  dueFrom(gate: string, from: number): number | null {
    return earliestOf(this.queuesOf(gate).map((queue) => this.#dueAt(queue, gate, from)));
  }

  /** The earliest due time of a queue's parked tasks from `from` on; null if there is none. */
  nextDue(queue: string, from: number): number | null {
    return earliestOf(Array.from(this.gates(queue), (gate) => this.#dueAt(queue, gate, from)));
  }

  #dueAt(queue: string, gate: string, from: number): number | null {
    const priorities = PRIORITIES.filter((priority) => this.mayHave(queue, gate, priority));
    return earliestOf(
      priorities.map((priority) => {
        const known = this.#notBefore(queue, gate, priority);
        // Of those at no gate it is not noted when one leaves.
        const isExact = gate !== "" && from > 0 && known >= from;
        return isExact ? known : this.#firstDue(queue, gate, priority, from);
      }),
    );
  }

  /** No task of a gate is due now: remembers when the first one is, or forgets the gate. */
  #look(queue: string, gate: string, priority: number, now: number): void {
    const dueAt = this.#firstDue(queue, gate, priority, now);
    if (dueAt === null) this.#forget(queue, gate, priority);
    else this.#earliest(queue, gate, Infinity)[priority] = dueAt;
  }

  #firstDue(queue: string, gate: string, priority: number, from: number): number | null {
    const [row] = this.#sql.exec<{ due_at: number }>(
      `SELECT due_at FROM tasks WHERE parked = 1 AND queue = ? AND gate = ? AND priority = ?
         AND due_at >= ? ORDER BY due_at LIMIT 1`,
      queue,
      gate,
      priority,
      from,
    );
    return row?.due_at ?? null;
  }

  #notBefore(queue: string, gate: string, priority: number): number {
    return this.#known.get(queue)?.get(gate)?.[priority] ?? Infinity;
  }

  #earliest(queue: string, gate: string, initial: number): Earliest {
    let gates = this.#known.get(queue);
    if (gates === undefined) this.#known.set(queue, (gates = new Map()));
    let earliest = gates.get(gate);
    if (earliest === undefined) gates.set(gate, (earliest = PRIORITIES.map(() => initial)));
    return earliest;
  }

  #forget(queue: string, gate: string, priority: number): void {
    const earliest = this.#earliest(queue, gate, Infinity);
    earliest[priority] = Infinity;
    this.#heldUntil.delete(placeOf(queue, gate, priority));
    // There are as many gates as keys: those without tasks must not pile up.
    if (gate !== "" && earliest.every((at) => at === Infinity)) {
      this.#known.get(queue)?.delete(gate);
    }
  }

  /** Jumps from gate to gate along the index instead of reading every parked task. */
  #distinct(): { queue: string; gate: string }[] {
    const rows = this.#sql.exec<{ queue: string; gate: string }>(
      `WITH RECURSIVE found (queue, gate) AS (
         SELECT * FROM (SELECT queue, gate FROM tasks INDEXED BY parked_tasks WHERE parked = 1
           ORDER BY queue, gate LIMIT 1)
         UNION ALL
         SELECT next.value ->> 0, next.value ->> 1 FROM found JOIN json_each(json_array(
           coalesce(
             (SELECT json_array(queue, gate) FROM tasks INDEXED BY parked_tasks
              WHERE parked = 1 AND queue = found.queue AND gate > found.gate
              ORDER BY gate LIMIT 1),
             (SELECT json_array(queue, gate) FROM tasks INDEXED BY parked_tasks
              WHERE parked = 1 AND queue > found.queue ORDER BY queue, gate LIMIT 1)))) AS next
         WHERE next.value IS NOT NULL
       ) SELECT queue, gate FROM found`,
    );
    return [...rows];
  }
}

function placeOf(queue: string, gate: string, priority: number): string {
  return `${priority} ${queue}\n${gate}`;
}

function earliestOf(times: readonly (number | null)[]): number | null {
  let first: number | null = null;
  for (const time of times) if (time !== null && (first === null || time < first)) first = time;
  return first;
}

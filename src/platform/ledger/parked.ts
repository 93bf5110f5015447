import { MAX_PRIORITY } from "#engine";
import type { SqlPort } from "./ports.ts";
import type { TaskRow } from "./rows.ts";

const PRIORITIES = Array.from({ length: MAX_PRIORITY + 1 }, (_, index) => MAX_PRIORITY - index);

/**
 * Reads the parked tasks of one ledger: those that wait for a time, are tried again, were lost, or found
 * the lanes full. They are found through an index by queue, priority and due time, so a read costs what
 * it finds, however many wait. Remembers which (queue, priority) have none, to spare the look.
 */
export class ParkedTasks {
  readonly #sql: SqlPort;
  /** Known (queue, priority) pairs: true if there may be parked tasks, false if surely not. */
  readonly #known = new Map<string, boolean[]>();

  constructor(sql: SqlPort) {
    this.#sql = sql;
    for (const queue of this.#distinctQueues()) this.#flags(queue, true);
  }

  queues(): Iterable<string> {
    return this.#known.keys();
  }

  /** To be called when a task is parked. */
  note(queue: string, priority: number): void {
    this.#flags(queue, false)[priority] = true;
  }

  /** Tasks of one queue and priority by due time, whether due or not. */
  *inOrder(queue: string, priority: number): Generator<TaskRow> {
    if (this.#known.get(queue)?.[priority] !== true) return;
    let isEmpty = true;
    const rows = this.#sql.exec<TaskRow>(
      `SELECT * FROM tasks WHERE parked = 1 AND queue = ? AND priority = ? ORDER BY due_at, id`,
      queue,
      priority,
    );
    for (const row of rows) {
      isEmpty = false;
      yield row;
    }
    if (isEmpty) this.#flags(queue, false)[priority] = false;
  }

  /** The earliest due time of a queue's parked tasks from `from` on; null if there is none. */
  nextDue(queue: string, from: number): number | null {
    let next: number | null = null;
    for (const priority of PRIORITIES) {
      if (this.#known.get(queue)?.[priority] !== true) continue;
      const [row] = this.#sql.exec<{ due_at: number }>(
        `SELECT due_at FROM tasks WHERE parked = 1 AND queue = ? AND priority = ? AND due_at >= ?
         ORDER BY due_at LIMIT 1`,
        queue,
        priority,
        from,
      );
      if (row !== undefined && (next === null || row.due_at < next)) next = row.due_at;
    }
    return next;
  }

  #flags(queue: string, initial: boolean): boolean[] {
    let flags = this.#known.get(queue);
    if (flags === undefined) {
      flags = PRIORITIES.map(() => initial);
      this.#known.set(queue, flags);
    }
    return flags;
  }

  /** Jumps from queue to queue along the index instead of reading every parked task. */
  #distinctQueues(): string[] {
    const rows = this.#sql.exec<{ queue: string }>(
      `WITH RECURSIVE found (queue) AS (
         SELECT min(queue) FROM tasks WHERE parked = 1
         UNION ALL
         SELECT (SELECT min(queue) FROM tasks WHERE parked = 1 AND queue > found.queue)
         FROM found WHERE found.queue IS NOT NULL
       ) SELECT queue FROM found WHERE queue IS NOT NULL`,
    );
    return Array.from(rows, (row) => row.queue);
  }
}

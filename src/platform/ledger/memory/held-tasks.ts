import type { SqlPort } from "../ports.ts";
import type { TaskRow } from "../rows.ts";

/**
 * Characters that a row brings and is kept with. Thousands of tasks may be under lease in one shard, each with
 * 256 KiB of arguments, and it has 128 MB.
 */
const MAX_KEPT_CHARS = 2_000;

/** What is known of a task under lease without its row. */
export type HeldTask = Pick<TaskRow, "id" | "gate" | "solo_losses" | "is_revoked">;

/** The tasks that one lease holds, by id. A large row is not kept: it is read again whenever it is asked for. */
export class HeldTasks {
  readonly #sql: SqlPort;
  readonly #tasks = new Map<string, HeldTask>();
  /** Those of them that are small. */
  readonly #rows = new Map<string, TaskRow>();

  constructor(sql: SqlPort, rows: Iterable<TaskRow>) {
    this.#sql = sql;
    for (const row of rows) this.set(row);
  }

  get size(): number {
    return this.#tasks.size;
  }

  ids(): Iterable<string> {
    return this.#tasks.keys();
  }

  /** All of them. Reads no table. */
  all(): Iterable<HeldTask> {
    return this.#tasks.values();
  }

  /** Reads no table. */
  known(id: string): HeldTask | undefined {
    return this.#tasks.get(id);
  }

  /** The row of a task as it is. */
  get(id: string): TaskRow | undefined {
    if (!this.#tasks.has(id)) return undefined;
    const kept = this.#rows.get(id);
    if (kept !== undefined) return kept;
    const [row] = this.#sql.exec<TaskRow>(
      "SELECT * FROM tasks WHERE parked IN (0, 1) AND id = ?",
      id,
    );
    return row;
  }

  /** `row`: as it is, or will be, in the table. */
  set(row: TaskRow): void {
    const { id, gate, solo_losses, is_revoked } = row;
    this.#tasks.set(id, { id, gate, solo_losses, is_revoked });
    if (lengthOf(row) <= MAX_KEPT_CHARS) this.#rows.set(id, row);
    else this.#rows.delete(id);
  }

  delete(id: string): void {
    this.#tasks.delete(id);
    this.#rows.delete(id);
  }
}

function lengthOf({ kwargs, options, attempts }: TaskRow): number {
  return kwargs.length + (options?.length ?? 0) + (attempts?.length ?? 0);
}

import type { SqlPort } from "./ports.ts";
import type { TaskRow } from "./rows.ts";
import { consume } from "./schema.ts";

/** Parks a waiting task in another place. Safe twice. Rows written: 2, and one more if it expires. */
export function parkAnew(sql: SqlPort, task: TaskRow, to: TaskRow): void {
  consume(
    sql.exec(
      `UPDATE tasks SET parked = 1, queue = ?, gate = ?, priority = ?, due_at = ?, expires_at = ?,
         kwargs = ?, options = ?
       WHERE parked = ? AND id = ?`,
      to.queue,
      to.gate,
      to.priority,
      to.due_at,
      to.expires_at,
      to.kwargs,
      to.options,
      task.parked,
      task.id,
    ),
  );
}

/** Parks a waiting task at a gate. Safe twice. Rows written: 2. */
export function parkAtGate(sql: SqlPort, task: TaskRow, gate: string): void {
  const move = "UPDATE tasks SET parked = 1, gate = ? WHERE parked = ? AND id = ?";
  consume(sql.exec(move, gate, task.parked, task.id));
}

/**
 * Parks a task for its next attempt. Input: its row as claimed, and the token of its lease. Safe twice: the
 * row's token becomes the lease's, so neither this lease nor an older one holds or settles it any more.
 * Rows written: 2.
 */
export function parkForNext(
  sql: SqlPort,
  task: TaskRow,
  next: {
    readonly dueAt: number;
    readonly retries: number;
    /** JSON text. */
    readonly attempts: string;
    readonly isSuspect: boolean;
    readonly losses: number;
    readonly token: number;
  },
): void {
  consume(
    sql.exec(
      `UPDATE tasks SET parked = 1, due_at = ?, attempts_made = ?, retries = ?, attempts = ?,
         is_suspect = ?, solo_losses = ?, suspension = NULL, token = ?
       WHERE parked = ? AND id = ? AND token < ?`,
      next.dueAt,
      task.attempts_made + 1,
      next.retries,
      next.attempts,
      next.isSuspect ? 1 : 0,
      next.losses,
      next.token,
      task.parked,
      task.id,
      next.token,
    ),
  );
}

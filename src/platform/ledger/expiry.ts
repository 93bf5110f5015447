import type { Changes } from "./changes.ts";
import type { LeaseBook } from "./leases.ts";
import type { Memory } from "./memory.ts";
import type { SqlPort } from "./ports.ts";
import type { TaskRow } from "./rows.ts";

/** Waiting tasks that expire in one command; the alarm comes back for more. */
const MAX_EXPIRED = 200;

interface ExpiringRow extends Record<string, string | number | null> {
  parked: number;
  id: string;
  expires_at: number;
}

/**
 * Knows when the next waiting task expires. Read from the index of tasks that do; one that runs is past
 * that: its `expires` counts again only when it is to be tried once more.
 */
export class Expiring {
  readonly #sql: SqlPort;
  /** No waiting task expires before this, epoch ms; null: none does. */
  nextAt: number | null = null;

  constructor(sql: SqlPort, leases: LeaseBook) {
    this.#sql = sql;
    this.take(leases, -Infinity, 0);
  }

  /** A task that may expire waits from now on; null: it doesn't. */
  note(expiresAt: number | null): void {
    if (expiresAt === null) return;
    if (this.nextAt === null || expiresAt < this.nextAt) this.nextAt = expiresAt;
  }

  /** Up to `limit` waiting tasks that have expired, the first to do so at the front. */
  take(leases: LeaseBook, now: number, limit: number): ExpiringRow[] {
    const taken: ExpiringRow[] = [];
    this.nextAt = null;
    const rows = this.#sql.exec<ExpiringRow>(
      `SELECT parked, id, expires_at FROM tasks INDEXED BY expiring_tasks
       WHERE expires_at IS NOT NULL ORDER BY expires_at`,
    );
    for (const row of rows) {
      if (leases.holding(row.id) !== undefined) continue;
      if (row.expires_at > now || taken.length >= limit) {
        this.nextAt = row.expires_at;
        break;
      }
      taken.push(row);
    }
    return taken;
  }
}

/**
 * Ends waiting tasks whose `expires` has passed, as part of every command: a look at a number while none
 * has. Rows written: as for any end. Safe twice: what has ended is no longer found.
 */
export function expireWaiting(sql: SqlPort, memory: Memory, changes: Changes, now: number): void {
  const { expiring, lanes, leases } = memory;
  if (expiring.nextAt === null || expiring.nextAt > now) return;
  // What was lost just now waits, too; and what has just ended is not to be found.
  changes.write();
  const expired = expiring.take(leases, now, MAX_EXPIRED);
  if (expired.length === 0) return;
  const rows = sql.exec<TaskRow>(
    "SELECT * FROM tasks WHERE parked IN (0, 1) AND id IN (SELECT value FROM json_each(?))",
    JSON.stringify(expired.map(({ id }) => id)),
  );
  for (const row of [...rows]) {
    if (row.parked === 0) lanes.remove(row.id);
    changes.revoke(row, "expire", null);
  }
}

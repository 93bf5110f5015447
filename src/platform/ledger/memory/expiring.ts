import type { LeaseBook } from "./leases.ts";
import type { SqlPort } from "../ports.ts";

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

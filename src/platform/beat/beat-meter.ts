import type { BeatMeter } from "#engine";
import type { SqlPort } from "../ledger/ports.ts";

/** Of the schedule that fired last. A body that can't be read fires no more, and says nothing here. */
const NEWEST_LATENESS = `SELECT fired_at - slot AS late FROM runs
  WHERE kind = 'slot' AND task_id IS NOT NULL AND schedule =
    (SELECT name FROM schedules WHERE json_valid(body) AND body ->> '$.lastRunAt' IS NOT NULL
     ORDER BY body ->> '$.lastRunAt' DESC LIMIT 1)
  ORDER BY slot DESC LIMIT 1`;

/** Reads what schedules and their runs say of the clock: all schedules, and one run. */
export function beatMeter(sql: SqlPort, nextAt: number | null, now: number): BeatMeter {
  const [row] = [...sql.exec<{ late: number }>(NEWEST_LATENESS)];
  return {
    lateMs: row === undefined ? null : Math.max(0, row.late),
    overdueMs: nextAt === null ? 0 : Math.max(0, now - nextAt),
  };
}

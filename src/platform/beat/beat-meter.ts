import { followingSlot, type BeatMeter, type Schedule } from "#engine";
import type { SqlPort } from "../ledger/ports.ts";
import type { ScheduleStore } from "./schedule-store.ts";
import { MAX_RETRY_MS } from "./tick-plan.ts";

/** Schedules that are looked at. */
const MAX_SCHEDULES = 200;

/** Of the schedule that fired last. A body that can't be read fires no more, and says nothing here. */
const NEWEST_LATENESS = `SELECT fired_at - slot AS late FROM runs
  WHERE kind = 'slot' AND task_id IS NOT NULL AND schedule =
    (SELECT name FROM schedules WHERE json_valid(body) AND body ->> '$.lastRunAt' IS NOT NULL
     ORDER BY body ->> '$.lastRunAt' DESC LIMIT 1)
  ORDER BY slot DESC LIMIT 1`;

/** Reads what schedules and their runs say of the clock: a line of all schedules, one run, and what is due soon. */
export function beatMeter(sql: SqlPort, store: ScheduleStore, now: number): BeatMeter {
  const [row] = [...sql.exec<{ late: number }>(NEWEST_LATENESS)];
  const soon = store.due(now + MAX_RETRY_MS, MAX_SCHEDULES);
  return {
    lateMs: row === undefined ? null : Math.max(0, row.late),
    overdueMs: Math.max(0, ...soon.map((schedule) => now - (slotOf(schedule) ?? now))),
  };
}

/** The slot that a schedule has not dealt with yet, whenever it is to be tried again; null: there is none. */
function slotOf(schedule: Schedule): number | null {
  try {
    return followingSlot(schedule);
  } catch {
    // Its zone is gone: the log says so, and it is no slot that is late.
    return null;
  }
}

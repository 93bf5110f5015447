import { LovageError, type Schedule, type ScheduleRun } from "#engine";
import type { SqlPort } from "../ledger/ports.ts";
import { consume } from "../ledger/schema.ts";

/** Runs that are kept of one schedule; twice as many before the older ones go. */
export const KEPT_RUNS = 500;
/** More are refused: each is looked at whenever its time has come. */
const MAX_SCHEDULES = 10_000;

/**
 * What Beat keeps. One row per schedule, and one per run; the index is over those that have something to do.
 */
const TABLES = [
  `CREATE TABLE IF NOT EXISTS schedules (
     name TEXT PRIMARY KEY, next_at INTEGER, body TEXT NOT NULL
   ) WITHOUT ROWID`,
  "CREATE INDEX IF NOT EXISTS due_schedules ON schedules (next_at) WHERE next_at IS NOT NULL",
  `CREATE TABLE IF NOT EXISTS runs (
     schedule TEXT NOT NULL, slot INTEGER NOT NULL, kind TEXT NOT NULL, fired_at INTEGER NOT NULL,
     task_id TEXT, note TEXT, PRIMARY KEY (schedule, slot, kind)
   ) WITHOUT ROWID`,
];

type RunRow = ScheduleRun & Record<string, string | number | null>;

export class ScheduleStore {
  readonly #sql: SqlPort;

  constructor(sql: SqlPort) {
    this.#sql = sql;
    for (const table of TABLES) this.#run(table);
  }

  get(name: string): Schedule | null {
    const [row] = this.#sql.exec<{ body: string }>(
      "SELECT body FROM schedules WHERE name = ?",
      name,
    );
    return row === undefined ? null : scheduleOf(row.body);
  }

  /** By name, from behind this one on. */
  page(after: string, limit: number): Schedule[] {
    const rows = this.#sql.exec<{ name: string; body: string }>(
      "SELECT name, body FROM schedules WHERE name > ? ORDER BY name LIMIT ?",
      after,
      limit,
    );
    return [...rows].flatMap((row) => this.#parsed(row) ?? []);
  }

  /** Those that have something to do, the first of them at the front. */
  due(now: number, limit: number): Schedule[] {
    const rows = this.#sql.exec<{ name: string; body: string }>(
      `SELECT name, body FROM schedules INDEXED BY due_schedules
       WHERE next_at IS NOT NULL AND next_at <= ? ORDER BY next_at LIMIT ?`,
      now,
      limit,
    );
    return [...rows].flatMap((row) => this.#parsed(row) ?? []);
  }

  /** When one of them has something to do; null: none has. */
  nextAt(): number | null {
    const [row] = this.#sql.exec<{ at: number | null }>(
      "SELECT min(next_at) AS at FROM schedules INDEXED BY due_schedules WHERE next_at IS NOT NULL",
    );
    return row?.at ?? null;
  }

  /** Rows written: 2. */
  put(schedule: Schedule): void {
    this.#run(
      "INSERT OR REPLACE INTO schedules (name, next_at, body) VALUES (?, ?, ?)",
      schedule.name,
      schedule.nextAt,
      JSON.stringify(schedule),
    );
  }

  remove(name: string): void {
    this.#run("DELETE FROM schedules WHERE name = ?", name);
    this.#run("DELETE FROM runs WHERE schedule = ?", name);
  }

  /**
   * Keeps those runs that are not there, also in place of one that became no task: what was refused may be asked for
   * again. Rows written: 1 each.
   * @returns those that it keeps now, and how many rows there are more
   */
  addRuns(runs: readonly ScheduleRun[]): { readonly added: ScheduleRun[]; readonly more: number } {
    let more = 0;
    const added = runs.filter((run) => {
      const [known] = this.#sql.exec<{ task_id: string | null }>(
        "SELECT task_id FROM runs WHERE schedule = ? AND slot = ? AND kind = ?",
        ...[run.schedule, run.slot, run.kind],
      );
      if (known !== undefined && (known.task_id !== null || run.task_id === null)) return false;
      this.#run(
        `INSERT OR REPLACE INTO runs (schedule, slot, kind, fired_at, task_id, note)
         VALUES (?, ?, ?, ?, ?, ?)`,
        ...[run.schedule, run.slot, run.kind, run.fired_at, run.task_id, run.note],
      );
      more += known === undefined ? 1 : 0;
      return true;
    });
    return { added, more };
  }

  /** The newest first. */
  runs(name: string, limit: number): ScheduleRun[] {
    return [
      ...this.#sql.exec<RunRow>(
        "SELECT * FROM runs WHERE schedule = ? ORDER BY slot DESC, kind LIMIT ?",
        name,
        limit,
      ),
    ];
  }

  /** A manual run by its task; null: there was none. */
  manualRun(name: string, taskId: string): ScheduleRun | null {
    const [row] = this.#sql.exec<RunRow>(
      "SELECT * FROM runs WHERE schedule = ? AND kind = 'manual' AND task_id = ?",
      name,
      taskId,
    );
    return row ?? null;
  }

  /** The first time from this on, epoch ms, after which there was no manual run: several may come at once. */
  freeManualSlot(name: string, from: number): number {
    const [row] = this.#sql.exec<{ last: number | null }>(
      "SELECT max(slot) AS last FROM runs WHERE schedule = ? AND slot >= ? AND kind = 'manual'",
      ...[name, from],
    );
    return row?.last == null ? from : row.last + 1;
  }

  /** Slots of a time that have become tasks. */
  firedSlots(name: string, from: number, until: number): Set<number> {
    const rows = this.#sql.exec<{ slot: number }>(
      `SELECT slot FROM runs WHERE schedule = ? AND slot >= ? AND slot <= ? AND kind <> 'manual'
         AND task_id IS NOT NULL`,
      name,
      from,
      until,
    );
    return new Set(Array.from(rows, ({ slot }) => slot));
  }

  /** Forgets all runs but the newest KEPT_RUNS. Returns the newest slot that is forgotten. */
  trim(name: string): number | null {
    const [row] = this.#sql.exec<{ slot: number }>(
      "SELECT slot FROM runs WHERE schedule = ? ORDER BY slot DESC LIMIT 1 OFFSET ?",
      name,
      KEPT_RUNS,
    );
    if (row === undefined) return null;
    this.#run("DELETE FROM runs WHERE schedule = ? AND slot <= ?", name, row.slot);
    return row.slot;
  }

  transaction<T>(run: () => T): T {
    return this.#sql.transaction(run);
  }

  /** @throws LovageError `too_many_schedules` when there is no room for another */
  checkRoom(): void {
    if (countSchedules(this.#sql) < MAX_SCHEDULES) return;
    throw new LovageError("too_many_schedules", `There are ${MAX_SCHEDULES} schedules.`);
  }

  /** One that can't be read fires no more, and keeps no other back. */
  #parsed({ name, body }: { name: string; body: string }): Schedule | null {
    try {
      return scheduleOf(body);
    } catch {
      this.#run("UPDATE schedules SET next_at = NULL WHERE name = ?", name);
      return null;
    }
  }

  #run(sql: string, ...params: (string | number | null)[]): void {
    consume(this.#sql.exec(sql, ...params));
  }
}

/** One that was written before there was such a slot has none. */
function scheduleOf(body: string): Schedule {
  return { askedSlot: null, ...(JSON.parse(body) as Omit<Schedule, "askedSlot">) };
}

/** How many schedules there are. */
export function countSchedules(sql: SqlPort): number {
  const [row] = sql.exec<{ count: number }>("SELECT count(*) AS count FROM schedules");
  return row?.count ?? 0;
}

import type { FinishedTask, StepRecord } from "#engine";
import type { TaskRow } from "#platform/ledger/rows.ts";
import type { SimSql } from "../../src/testing/sim-sql.ts";

export interface LeaseRow {
  readonly token: number;
  readonly is_solo: number;
  readonly claimed_at: number;
  readonly expires_at: number;
  readonly ids: readonly string[];
  readonly offer: string | null;
}

/** One record of `finished`, with the bytes it has there. */
export interface FinishedRecord {
  readonly seq: number;
  readonly record: FinishedTask;
  readonly text: string;
}

/** Who has a key. */
export interface UniqueRow {
  readonly key: string;
  readonly task_id: string;
  readonly is_open: number;
  readonly until: number;
}

/** The ledger's tables as they are committed, read from outside. */
export interface Tables {
  readonly tasks: readonly TaskRow[];
  readonly leases: readonly LeaseRow[];
  readonly finished: readonly FinishedRecord[];
  /** Those of `finished` that no row says are in D1. */
  readonly unflushed: readonly FinishedRecord[];
  readonly uniques: readonly UniqueRow[];
  readonly steps: readonly StepRow[];
}

/** A step that is recorded, with the task that it is of. */
export interface StepRow {
  readonly taskId: string;
  readonly step: StepRecord;
}

/** Those in a row of their own, and those in the row of their task. */
const LEASES = `SELECT token, is_solo, claimed_at, expires_at, task_ids, NULL AS offer FROM leases
  UNION ALL SELECT express ->> 'token', 0, express ->> 'claimedAt', express ->> 'expiresAt',
    json_array(id), express ->> 'offer' FROM tasks WHERE parked = 0 AND express IS NOT NULL`;

/** A row of `finished` as it was read before. */
interface ReadRow {
  readonly seq: number;
  readonly text: string;
  readonly records: readonly FinishedRecord[];
}

/** Reads the tables of one ledger as a whole, time and again; what a row of `finished` says is parsed once. */
export class TableReader {
  readonly #sql: SimSql;
  #isMigrated = false;
  /** Those of the last time, by seq. */
  #known = new Map<number, ReadRow>();

  constructor(sql: SimSql) {
    this.#sql = sql;
  }

  read(): Tables {
    const sql = this.#sql;
    this.#isMigrated ||= sql.peek("SELECT 1 FROM sqlite_master WHERE name = 'finished'").length > 0;
    if (!this.#isMigrated) {
      return { tasks: [], leases: [], finished: [], unflushed: [], uniques: [], steps: [] };
    }
    const leases = sql.peek<{
      token: number;
      is_solo: number;
      claimed_at: number;
      expires_at: number;
      task_ids: string;
      offer: string | null;
    }>(LEASES);
    const rows = sql.peek<{ seq: number; flushed_seq: number; tasks: string }>(
      "SELECT seq, flushed_seq, tasks FROM finished ORDER BY seq",
    );
    const read = rows.map(({ seq, tasks }) => this.#parsed(seq, tasks));
    this.#known = new Map(read.map((row) => [row.seq, row]));
    const finished = read.flatMap(({ records }) => records);
    const tasks = sql.peek<TaskRow>("SELECT * FROM tasks");
    const flushedSeq = Math.max(0, ...rows.map((row) => row.flushed_seq));
    return {
      tasks,
      leases: leases.map(({ task_ids, ...lease }) => ({
        ...lease,
        ids: JSON.parse(task_ids) as string[],
      })),
      finished,
      unflushed: finished.filter(({ seq }) => seq > flushedSeq),
      uniques: sql.peek<UniqueRow>("SELECT * FROM uniques"),
      steps: tasks.some((task) => task.is_durable === 1) ? readSteps(sql) : [],
    };
  }

  #parsed(seq: number, text: string): ReadRow {
    const known = this.#known.get(seq);
    if (known?.text === text) return known;
    const records = (JSON.parse(text) as FinishedTask[]).map((record) => ({
      ...{ seq, record },
      text: JSON.stringify(record),
    }));
    return { seq, text, records };
  }
}

function readSteps(sql: SimSql): StepRow[] {
  return sql
    .peek<{ task_id: string; record: string }>("SELECT task_id, record FROM steps")
    .map(({ task_id: taskId, record }) => ({ taskId, step: JSON.parse(record) as StepRecord }));
}

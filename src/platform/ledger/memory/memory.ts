import { hasPlaces, partsOfGate, type TaskRecord } from "#engine";
import { Canvases } from "../canvas/canvases.ts";
import { ControlBook } from "../limits/controls.ts";
import { Expiring } from "./expiring.ts";
import { FinishedTasks } from "./finished.ts";
import { ReadyLanes } from "./lanes.ts";
import { LeaseBook } from "./leases.ts";
import { ParkedTasks } from "./parked.ts";
import type { Permits } from "../limits/permits.ts";
import type { LedgerPorts, SqlPort } from "../ports.ts";
import type { LedgerSettings } from "../protocol.ts";
import { LiveReports, withReport } from "./reports.ts";
import { KeyTurns } from "./turns.ts";
import { toRecord, type TaskRow } from "../rows.ts";

/**
 * What a ledger keeps in memory. All of it follows from the tables: it is thrown away and loaded again
 * when a transaction fails, and when the object starts.
 */
export interface Memory {
  readonly lanes: ReadyLanes;
  readonly parked: ParkedTasks;
  readonly leases: LeaseBook;
  readonly finished: FinishedTasks;
  readonly controls: ControlBook;
  readonly turns: KeyTurns;
  readonly expiring: Expiring;
  /** By queue: the id of a suspect that waits for long, while whoever could run it found others first in line. */
  readonly overtaken: Map<string, string>;
  /** What running attempts said; their consumers say it again. */
  readonly reports: LiveReports;
  readonly canvases: Canvases;
  readonly keyOf: LedgerPorts["keyOf"];
  /** The one thing here that follows from no table: it stays when the rest is loaded again. */
  readonly permits: Permits;
}

interface ReadyRow extends Record<string, string | number | null> {
  id: string;
  queue: string;
  priority: number;
  due_at: number;
}

export function loadMemory(
  sql: SqlPort,
  { laneCapacity, maxUnflushed }: LedgerSettings,
  permits: Permits,
  { limitsOf, keyOf }: Pick<LedgerPorts, "limitsOf" | "keyOf">,
): Memory {
  const leases = new LeaseBook(sql);
  const memory: Memory = {
    lanes: new ReadyLanes(laneCapacity),
    parked: new ParkedTasks(sql),
    leases,
    finished: new FinishedTasks(sql, maxUnflushed),
    controls: new ControlBook(sql, limitsOf),
    turns: new KeyTurns(),
    expiring: new Expiring(sql, leases),
    overtaken: new Map(),
    reports: new LiveReports(),
    canvases: new Canvases(),
    keyOf,
    permits,
  };
  const ready = sql.exec<ReadyRow>(
    "SELECT id, queue, priority, due_at FROM tasks WHERE parked = 0 ORDER BY due_at, id",
  );
  for (const { id, queue, priority, due_at: dueAt } of ready) {
    if (memory.leases.holding(id) === undefined)
      memory.lanes.push(queue, priority, id, dueAt, null);
  }
  if (permits.isEmpty) recallPlaces(memory);
  return memory;
}

/** What ran before this object was holds its places still, as the limiters know. */
function recallPlaces({ leases, controls, permits }: Memory): void {
  for (const { tasks } of leases.all()) {
    for (const { gate } of tasks.all()) {
      if (hasPlaces(gate, controls.limitsOf(partsOfGate(gate).name))) permits.recall(gate);
    }
  }
}

/** Whether nothing may be claimed from a queue. */
export function isStopped({ controls, finished }: Memory, queue: string): boolean {
  return controls.isPaused(queue) || finished.isBehind;
}

/** A live task by its id, wherever it stands. A task in a lease is read from memory. */
export function findLive(sql: SqlPort, memory: Memory, taskId: string): TaskRow | null {
  const held = memory.leases.holding(taskId)?.tasks.get(taskId);
  if (held !== undefined) return held;
  const [row] = sql.exec<TaskRow>("SELECT * FROM tasks WHERE parked IN (0, 1) AND id = ?", taskId);
  return row ?? null;
}

/** A live task as readers see it: whether it runs, by its lease, and what its attempt says of itself. */
export function readLive(memory: Memory, row: TaskRow): TaskRecord {
  const lease = memory.leases.holding(row.id);
  return withReport(toRecord(row, lease?.claimedAt ?? null), memory.reports.of(row.id, lease));
}

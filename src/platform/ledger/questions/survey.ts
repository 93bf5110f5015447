import type { LiveKind, QueueSurvey, TaskRecord } from "#engine";
import { pageOf } from "../../history/task-page.ts";
import { findLive, readLive, type Memory } from "../memory/memory.ts";
import type { SqlPort } from "../ports.ts";

/** Leaves out what stands for a canvas: it waits in no queue. */
const NOT_HELD = "json_extract(suspension, '$.waiting.reason') IS NOT 'members'";

/** Counts what every queue holds. Reads each live task's place once. */
export function surveyQueues(sql: SqlPort, memory: Memory, now: number): QueueSurvey[] {
  const running = new Map<string, number>();
  const held: string[] = [];
  for (const { queue, tasks } of memory.leases.all()) {
    running.set(queue, (running.get(queue) ?? 0) + tasks.size);
    held.push(...tasks.ids());
  }
  const rows = [
    ...sql.exec<{ queue: string; due: number; later: number; oldest: number | null }>(
      `SELECT queue, count(*) FILTER (WHERE due_at <= ?1) AS due,
         count(*) FILTER (WHERE due_at > ?1) AS later,
         min(due_at) FILTER (WHERE due_at <= ?1
           AND id NOT IN (SELECT value FROM json_each(?2))) AS oldest
       FROM tasks WHERE ${NOT_HELD} GROUP BY queue`,
      now,
      JSON.stringify(held),
    ),
  ];
  return rows.map(({ queue, due, later, oldest }) => {
    const runs = running.get(queue) ?? 0;
    // What runs was due when it was claimed.
    const waiting = Math.max(0, due - runs);
    return { queue, waiting, scheduled: later, running: runs, oldestAt: oldest };
  });
}

/** Live tasks of a kind, fewer than `limit` if they are large: those that run by their leases, the others by due time. */
export function listLive(
  sql: SqlPort,
  memory: Memory,
  kind: LiveKind,
  limit: number,
  now: number,
): readonly TaskRecord[] {
  const isRunning = kind === "active" || kind === "revoked";
  const all = isRunning ? runningTasks(memory, kind) : waitingTasks(sql, memory, kind, now);
  return pageOf(all, limit).tasks;
}

function* runningTasks(memory: Memory, kind: "active" | "revoked"): Generator<TaskRecord> {
  for (const { tasks } of memory.leases.all()) {
    for (const { id, is_revoked: isRevoked } of tasks.all()) {
      const row = kind === "active" || isRevoked === 1 ? tasks.get(id) : undefined;
      if (row !== undefined) yield readLive(memory, row);
    }
  }
}

/** Sorts ids, and reads the rows of those that are wanted. */
function* waitingTasks(
  sql: SqlPort,
  memory: Memory,
  kind: "reserved" | "scheduled",
  now: number,
): Generator<TaskRecord> {
  const isDue = kind === "reserved" ? "due_at <= ?" : "due_at > ?";
  for (const { id } of sql.exec<{ id: string }>(
    `SELECT id FROM tasks WHERE ${isDue} AND ${NOT_HELD} ORDER BY due_at, id`,
    now,
  )) {
    const row = memory.leases.holding(id) === undefined ? findLive(sql, memory, id) : null;
    if (row !== null) yield readLive(memory, row);
  }
}

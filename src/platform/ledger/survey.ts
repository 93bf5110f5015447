import type { LiveKind, QueueSurvey, TaskRecord } from "#engine";
import type { Memory } from "./memory.ts";
import type { SqlPort } from "./ports.ts";
import { toRecord, type TaskRow } from "./rows.ts";

/** Leaves out what stands for a canvas: it waits in no queue. */
const NOT_HELD = "json_extract(suspension, '$.waiting.reason') IS NOT 'members'";

/** Counts what every queue holds. Reads each live task's place once. */
export function surveyQueues(sql: SqlPort, memory: Memory, now: number): QueueSurvey[] {
  const running = new Map<string, number>();
  const held: string[] = [];
  for (const { queue, tasks } of memory.leases.all()) {
    running.set(queue, (running.get(queue) ?? 0) + tasks.size);
    held.push(...tasks.keys());
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

/** Live tasks of a kind: those that run by their leases, the others by due time. */
export function listLive(
  sql: SqlPort,
  memory: Memory,
  kind: LiveKind,
  limit: number,
  now: number,
): TaskRecord[] {
  if (kind === "active" || kind === "revoked") {
    const running = [...memory.leases.all()].flatMap(({ tasks, claimedAt }) =>
      [...tasks.values()]
        .filter((row) => kind === "active" || row.is_revoked === 1)
        .map((row) => toRecord(row, claimedAt)),
    );
    return running.slice(0, limit);
  }
  const isDue = kind === "reserved" ? "due_at <= ?" : "due_at > ?";
  const records: TaskRecord[] = [];
  for (const row of sql.exec<TaskRow>(
    `SELECT * FROM tasks WHERE ${isDue} AND ${NOT_HELD} ORDER BY due_at`,
    now,
  )) {
    if (records.length >= limit) break;
    if (memory.leases.holding(row.id) === undefined) records.push(toRecord(row, null));
  }
  return records;
}

import type { SubmitAnswer, TaskSpec } from "#engine";
import type { Changes } from "./changes.ts";
import { jsonArrays } from "../json-parameters.ts";
import { findLive, type Memory } from "./memory.ts";
import type { SqlPort } from "./ports.ts";
import { consume } from "./schema.ts";

/**
 * What a submit is told about an id that the ledger knows: the same call, or another one. Null: not
 * known here, the history may know it.
 */
export function answerIfKnown(sql: SqlPort, memory: Memory, spec: TaskSpec): SubmitAnswer | null {
  const finished = memory.finished.get(spec.id);
  if (finished !== undefined) return sameCall(finished.fingerprint, spec);
  const live = findLive(sql, memory, spec.id);
  return live === null ? null : sameCall(live.fingerprint, spec);
}

export function sameCall(fingerprint: string | null, spec: TaskSpec): SubmitAnswer {
  return fingerprint === spec.fingerprint ? "exists" : "conflict";
}

/**
 * Inserts tasks whose ids are new. A task that is due goes into the lanes while there is room, one that
 * waits (or finds no room) is parked. Rows written: 1 for the former, 2 for the latter.
 */
export function insertTasks(
  sql: SqlPort,
  memory: Memory,
  changes: Changes,
  specs: readonly TaskSpec[],
  now: number,
): void {
  const rows = specs.map((spec) => {
    const dueAt = Math.max(spec.dueAt ?? now, now);
    const isParked = dueAt > now || !memory.lanes.hasRoom;
    if (isParked) changes.noteParked(spec.queue, spec.priority, dueAt);
    else memory.lanes.push(spec.queue, spec.priority, { id: spec.id, dueAt });
    return JSON.stringify(toRow(spec, isParked, dueAt, now));
  });
  for (const { text } of jsonArrays(rows)) consume(sql.exec(INSERT, text));
}

const INSERT = `INSERT INTO tasks (parked, id, name, queue, priority, owner, kwargs, options,
    fingerprint, submitted_at, due_at, expires_at)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
    value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11
  FROM json_each(?)`;

function toRow(spec: TaskSpec, isParked: boolean, dueAt: number, now: number) {
  const options = Object.keys(spec.options).length === 0 ? null : JSON.stringify(spec.options);
  return [
    isParked ? 1 : 0,
    spec.id,
    spec.name,
    spec.queue,
    spec.priority,
    spec.owner,
    spec.kwargs,
    options,
    spec.fingerprint,
    now,
    dueAt,
    spec.expiresAt,
  ];
}

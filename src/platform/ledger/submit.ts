import { gateOf, type SubmitAnswer, type TaskSpec } from "#engine";
import type { Changes } from "./changes.ts";
import { jsonArrays } from "../json-parameters.ts";
import type { Lease } from "./memory/leases.ts";
import { findLive, type Memory } from "./memory/memory.ts";
import type { SqlPort } from "./ports.ts";
import type { Suspension, TaskRow } from "./rows.ts";
import { consume } from "./schema.ts";
import { NEVER } from "./canvas/held.ts";

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
  if (fingerprint === spec.fingerprint) return "exists";
  // A call that was merged into another task carries its id.
  const [call, mergedInto] = fingerprint?.split("\n") ?? [];
  const isMerged = mergedInto !== undefined && call === spec.fingerprint;
  return isMerged ? { mergedInto, how: "duplicate" } : "conflict";
}

/**
 * Inserts tasks whose ids are new. A task that is due goes into the lanes while there is room, one that
 * waits for a time or at a gate (or finds no room) is parked. Rows written: 1 for the former, 2 for the latter.
 */
export function insertTasks(
  sql: SqlPort,
  memory: Memory,
  changes: Changes,
  specs: readonly TaskSpec[],
  now: number,
): void {
  if (specs.length === 0) return;
  const rows = specs.map((spec) => {
    const dueAt = Math.max(spec.dueAt ?? now, now);
    const gate = gateFor(memory, spec);
    const isParked = dueAt > now || gate !== "" || !memory.lanes.hasRoom;
    const row = toRow(spec, isParked, dueAt, now, gate);
    memory.expiring.note(spec.expiresAt);
    changes.happenings?.sent(row);
    if (isParked) changes.noteParked(row);
    else memory.lanes.push(spec.queue, spec.priority, spec.id, dueAt, row);
    return JSON.stringify(INSERTED.map((column) => row[column]));
  });
  for (const { text } of jsonArrays(rows)) consume(sql.exec(INSERT, text));
}

/**
 * Inserts a task that is run by who submits it, under a lease on its offer. Rows written: 1, one more if it expires.
 * Safe against a crash: either the row is there and held until the lease expires, or it isn't.
 */
export function insertRunning(
  sql: SqlPort,
  memory: Memory,
  changes: Changes,
  spec: TaskSpec,
  { offer, now, leaseMs }: { offer: string; now: number; leaseMs: number },
): { readonly lease: Lease; readonly row: TaskRow } {
  const waiting = toRow(spec, false, now, now, "");
  const granted = memory.leases.grantExpress(waiting, offer, now, leaseMs);
  memory.expiring.note(spec.expiresAt);
  changes.happenings?.sent(waiting);
  insertRow(sql, granted.row, "express");
  return granted;
}

/** Inserts the row that stands for a canvas. Nobody claims it. Rows written: 2, one more with a deadline. */
export function insertHeld(
  sql: SqlPort,
  memory: Memory,
  changes: Changes,
  spec: TaskSpec,
  now: number,
): TaskRow {
  const suspension: Suspension = { waiting: { reason: "members" }, events: [] };
  const row = {
    ...toRow(spec, true, NEVER, now, ""),
    suspension: JSON.stringify(suspension),
  };
  memory.expiring.note(spec.expiresAt);
  changes.happenings?.sent(row);
  insertRow(sql, row, "suspension");
  return row;
}

function insertRow(sql: SqlPort, row: TaskRow, ...more: readonly (keyof TaskRow)[]): void {
  const columns = [...INSERTED, ...more];
  consume(
    sql.exec(
      `INSERT INTO tasks (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
      ...columns.map((column) => row[column] ?? null),
    ),
  );
}

/** The gate at which a task waits. */
export function gateFor(memory: Memory, { name, key }: TaskSpec): string {
  return gateOf(memory.controls.limitsOf(name) === null ? "" : name, key);
}

/** The columns that a new task brings; the others have their defaults. */
const INSERTED = [
  "parked",
  "id",
  "name",
  "queue",
  "priority",
  "owner",
  "kwargs",
  "options",
  "fingerprint",
  "submitted_at",
  "due_at",
  "expires_at",
  "gate",
] as const satisfies (keyof TaskRow)[];

const INSERT = `INSERT INTO tasks (${INSERTED.join(", ")})
  SELECT ${INSERTED.map((_column, index) => `value ->> ${index}`).join(", ")} FROM json_each(?)`;

export function toRow(
  spec: TaskSpec,
  isParked: boolean,
  dueAt: number,
  now: number,
  gate: string,
): TaskRow {
  return {
    parked: isParked ? 1 : 0,
    id: spec.id,
    name: spec.name,
    queue: spec.queue,
    priority: spec.priority,
    owner: spec.owner,
    kwargs: spec.kwargs,
    options: Object.keys(spec.options).length === 0 ? null : JSON.stringify(spec.options),
    fingerprint: spec.fingerprint,
    submitted_at: now,
    due_at: dueAt,
    expires_at: spec.expiresAt,
    attempts_made: 0,
    retries: 0,
    attempts: null,
    is_suspect: 0,
    solo_losses: 0,
    is_revoked: 0,
    token: 0,
    is_durable: 0,
    suspension: null,
    express: null,
    gate,
  };
}

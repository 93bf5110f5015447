import type { FinishedTask, Merged, TaskSpec, UniqueRule } from "#engine";
import type { Changes } from "./changes.ts";
import { findLive, type Memory } from "./memory/memory.ts";
import type { SqlPort } from "./ports.ts";
import { optionsOf, type TaskRow } from "./rows.ts";
import { consume } from "./schema.ts";
import { gateFor, insertTasks, toRow } from "./submit.ts";

/** Keys whose time is over that one tick deletes. */
const MAX_SWEPT = 1_000;

/**
 * Submits the unique ones of `specs`, whose ids are new, one after the other: each either becomes a task
 * and takes its key, or is merged into the task that has it. All in the caller's transaction, in the one
 * shard that decides over the key: so of any number of like calls one is a task. Rows written: those of
 * a task and one for the key (two if it is taken for a time), or none, or those of a move.
 * @returns the merged ones by id
 */
export function submitUnique(
  sql: SqlPort,
  memory: Memory,
  changes: Changes,
  specs: readonly TaskSpec[],
  now: number,
): Map<string, Merged> {
  const merged = new Map<string, Merged>();
  for (const spec of specs) {
    const { unique: rule } = spec;
    if (rule === undefined) continue;
    const holder = holderOf(sql, rule.key, now);
    const how = holder === null ? null : merge(sql, memory, changes, spec, rule, holder, now);
    if (holder === null || how === null) {
      const dueAt = rule.debounce === null ? spec.dueAt : now + rule.debounce.waitMs;
      insertTasks(sql, memory, changes, [{ ...spec, dueAt }], now);
      takeKey(sql, rule, spec.id, now);
    } else {
      merged.set(spec.id, { mergedInto: holder, how });
      // Its id was handed out before the submit: whoever asks for it must find it, also a second submit.
      if (spec.fingerprint !== null) {
        changes.endMerged(toRow(withoutCallback(spec), true, now, now, ""), holder);
      }
    }
  }
  return merged;
}

/** Releases the keys of tasks that ended, where time does not keep them. Plain tasks cost nothing. */
export function releaseKeys(sql: SqlPort, ended: readonly FinishedTask[], now: number): void {
  const unique = ended.filter(({ options }) => options.unique_key !== undefined);
  if (unique.length === 0) return;
  const keys = JSON.stringify(unique.map(({ options }) => options.unique_key));
  const ids = JSON.stringify(unique.map(({ id }) => id));
  // A task has one key only: a key of one and the id of another never meet in a row.
  const theirs = `is_open = 1 AND key IN (SELECT value FROM json_each(?))
    AND task_id IN (SELECT value FROM json_each(?))`;
  consume(sql.exec(`DELETE FROM uniques WHERE ${theirs} AND until <= ?`, keys, ids, now));
  consume(sql.exec(`UPDATE uniques SET is_open = 0 WHERE ${theirs}`, keys, ids));
}

/** Deletes keys whose time is over: they count no longer, they only take up room. Safe twice. */
export function sweepKeys(sql: SqlPort, now: number): void {
  consume(
    sql.exec(
      `DELETE FROM uniques WHERE key IN (SELECT key FROM uniques INDEXED BY timed_uniques
         WHERE is_open = 0 AND until <= ? ORDER BY until LIMIT ${MAX_SWEPT})`,
      now,
    ),
  );
}

/** The task that has a key; null: nobody. */
function holderOf(sql: SqlPort, key: string, now: number): string | null {
  const rows = sql.exec<{ task_id: string }>(
    "SELECT task_id FROM uniques WHERE key = ? AND (is_open = 1 OR until > ?)",
    key,
    now,
  );
  const [row] = [...rows];
  return row?.task_id ?? null;
}

/** Null: it can't be merged, it is to be a task of its own. */
function merge(
  sql: SqlPort,
  memory: Memory,
  changes: Changes,
  spec: TaskSpec,
  rule: UniqueRule,
  holder: string,
  now: number,
): Merged["how"] | null {
  if (rule.keep === "first") return "duplicate";
  const row = findLive(sql, memory, holder);
  // What an attempt has begun with stays: effects may be known by the task's id.
  const isUntouched =
    row?.attempts_made === 0 &&
    row.suspension === null &&
    memory.leases.holding(holder) === undefined;
  if (row === null || !isUntouched) return null;
  const dueAt = dueTime(spec, rule, row, now);
  const next = toRow(spec, true, dueAt, now, gateFor(memory, spec));
  const { queue, gate, priority, due_at, expires_at, kwargs } = next;
  const options = row.owner === spec.owner ? next.options : withSequelsOf(row, next);
  changes.moveWaiting(row, { ...row, queue, gate, priority, due_at, expires_at, kwargs, options });
  return "replaced";
}

/** What a task starts when it ends, it starts for its owner: nobody else says what. @returns options, as JSON text */
function withSequelsOf(row: TaskRow, next: TaskRow): string {
  const { callback, link, link_error } = optionsOf(row);
  return JSON.stringify({ ...optionsOf(next), callback, link, link_error });
}

/** A call that is one with another task has nobody told: it never was there, and the other tells of itself. */
function withoutCallback(spec: TaskSpec): TaskSpec {
  const { callback: _told, ...options } = spec.options;
  return { ...spec, options };
}

/** A debounced task waits for silence, but not longer than its `max` after its first call. */
function dueTime(spec: TaskSpec, { debounce }: UniqueRule, row: TaskRow, now: number): number {
  if (debounce === null) return Math.max(spec.dueAt ?? now, now);
  const latest = debounce.maxMs === null ? Infinity : row.submitted_at + debounce.maxMs;
  return Math.max(now, Math.min(now + debounce.waitMs, latest));
}

function takeKey(sql: SqlPort, rule: UniqueRule, taskId: string, now: number): void {
  consume(
    sql.exec(
      "INSERT OR REPLACE INTO uniques (key, task_id, is_open, until) VALUES (?, ?, ?, ?)",
      rule.key,
      taskId,
      rule.isHeldOpen ? 1 : 0,
      rule.holdMs === 0 ? 0 : now + rule.holdMs,
    ),
  );
}

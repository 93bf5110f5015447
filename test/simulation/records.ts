import { isTerminal, type TaskRecord } from "#engine";
import type { ModelTask } from "./model.ts";
import { Violation } from "./violation.ts";

export function stateOf(task: ModelTask): string {
  if (task.end !== null) return task.end.state;
  if (task.lease !== null) return "STARTED";
  return task.attempts === 0 ? "PENDING" : "RETRY";
}

/** A task's last record must say how and when it ended. */
export function checkEnd(
  { spec, end, attempts, retries }: ModelTask,
  record: TaskRecord,
  now: number,
) {
  const last = record.attempts.at(-1);
  const excType = record.error?.exc_type ?? null;
  const is = {
    state: record.state,
    result: record.result,
    excType,
    retries: record.retries,
    attempts: record.attempts.length,
    finishedAt: record.finishedAt,
    isDeadLettered: record.isDeadLettered,
    outcome: end?.outcome === null ? null : last?.outcome,
  };
  const should = {
    state: end?.state,
    result: end?.result,
    excType: end?.excType,
    retries,
    attempts: Math.min(20, attempts),
    finishedAt: now,
    isDeadLettered: end?.state === "FAILURE",
    outcome: end?.outcome,
  };
  const [text, expected] = [JSON.stringify(is), JSON.stringify(should)];
  if (text !== expected) throw new Violation(`${spec.id} ended as ${text} instead of ${expected}`);
}

/** What the readers of one history saw: never less than before, and never a change after the end. */
export class Readers {
  readonly #seen = new Map<string, string>();

  /** What is known of a task before a read begins, for `saw`. */
  lastSeen(id: string): string | undefined {
    return this.#seen.get(id);
  }

  saw(id: string, record: TaskRecord | null, wasAccepted: boolean, past: string | undefined): void {
    if (record === null) {
      if (wasAccepted || past !== undefined)
        throw new Violation(`${id} was accepted and is unknown`);
      return;
    }
    const text = JSON.stringify(record);
    this.#seen.set(id, text);
    if (past === undefined) return;
    const before = JSON.parse(past) as TaskRecord;
    if (isTerminal(before.state) && text !== past)
      throw new Violation(`${id} changed after its end`);
    if (record.attempts.length < before.attempts.length) {
      throw new Violation(`${id} was read backwards`);
    }
  }
}

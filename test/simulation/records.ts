import { isTerminal, type TaskRecord } from "#engine";
import { LINES } from "./behaviours.ts";
import type { ModelTask } from "./model.ts";
import { Violation } from "./violation.ts";

export function stateOf(task: ModelTask): string {
  if (task.end !== null) return task.end.state;
  if (task.lease !== null) return "STARTED";
  return task.attempts === 0 ? "PENDING" : "RETRY";
}

/** Only what the running attempt itself said is read of it, and of each attempt its own lines. */
export function checkReported({ spec, lease, attempts }: ModelTask, record: TaskRecord): void {
  const { reported } = record;
  if (reported !== undefined) {
    const { attempt } = JSON.parse(reported.meta ?? "{}") as { attempt?: number };
    if (lease === null || attempt !== attempts + 1) {
      throw new Violation(`${spec.id} says what attempt ${attempt} said`);
    }
  }
  checkLogs(record);
}

function checkLogs({ id, attempts }: TaskRecord): void {
  for (const { attempt, logs = [] } of attempts) {
    const stray = logs.find(
      ({ fields }) => (JSON.parse(fields ?? "{}") as { attempt?: number }).attempt !== attempt,
    );
    if (stray !== undefined) throw new Violation(`${id}: attempt ${attempt} has another's lines`);
  }
}

/** A task's last record must say how and when it ended. */
export function checkEnd(
  { spec, end, attempts, retries }: ModelTask,
  record: TaskRecord,
  now: number,
) {
  checkLogs(record);
  const last = record.attempts.at(-1);
  if (end?.outcome === "success" && last?.logs?.length !== LINES) {
    throw new Violation(`${spec.id} ended with ${last?.logs?.length} lines instead of ${LINES}`);
  }
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

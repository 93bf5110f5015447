import { InvalidOptionError } from "./errors.ts";
import { isLargerThan } from "./json.ts";

/*
 * What a running attempt says of itself: a state of its own with details, and log lines. The consumer
 * sends it now and then; the ledger keeps it in memory while the attempt runs, and the lines with the
 * attempt when it has ended.
 */

/** A state that a handler gave its running task (Celery's `update_state`). */
export interface ReportedState {
  /** `PROGRESS`, or a name of the handler's. */
  readonly state: string;
  /** JSON text of an object; null: none was given. */
  readonly meta: string | null;
}

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogLine {
  /** Epoch ms, the consumer's clock. */
  readonly at: number;
  readonly level: LogLevel;
  readonly message: string;
  /** JSON text of an object; absent: none were given. */
  readonly fields?: string;
}

/** A line as it is logged. */
export interface LogEntry extends Omit<LogLine, "fields"> {
  readonly fields?: Readonly<Record<string, unknown>> | undefined;
}

/** What an attempt has said by now: all of it, so that a report may get lost, come twice or late. */
export interface TaskReport {
  readonly id: string;
  readonly token: number;
  /** Rises with everything the attempt says: a report with a lower one is older. */
  readonly seq: number;
  readonly state: ReportedState | null;
  readonly logs: readonly LogLine[] | null;
}

/** Bytes of JSON of a state's details. */
export const MAX_META_BYTES = 16 * 1_024;
export const MAX_LOG_LINES = 100;
/** Bytes of JSON of one attempt's lines. */
export const MAX_ATTEMPT_LOG_BYTES = 8 * 1_024;
/** Bytes of JSON of the lines of all attempts of a task. */
export const MAX_TASK_LOG_BYTES = 32 * 1_024;
/** Characters of one line's message, and bytes of JSON of its fields. */
const MAX_MESSAGE_LENGTH = 1_000;
const MAX_FIELDS_BYTES = 2 * 1_024;
/** Kept free for the line that says how many were dropped. */
const RESERVED_BYTES = 128;

/** States that only the ledger gives, and those that Celery reserves. */
const BUILT_IN: ReadonlySet<string> = new Set([
  "PENDING",
  "RECEIVED",
  "STARTED",
  "RETRY",
  "SUSPENDED",
  "SUCCESS",
  "FAILURE",
  "REVOKED",
  "REJECTED",
  "IGNORED",
]);

/**
 * Checks a state that a handler gives.
 * @throws InvalidOptionError for a name that is none or taken, and for details over MAX_META_BYTES
 */
export function reportedState(
  state: string,
  meta: Readonly<Record<string, unknown>> | undefined,
): ReportedState {
  if (!/^[A-Z][A-Z_]{0,39}$/.test(state) || BUILT_IN.has(state)) {
    throw new InvalidOptionError(
      "state",
      `'${String(state).slice(0, 50)}' is no custom state: 1 to 40 capital letters or _, and none of Celery's own.`,
    );
  }
  if (meta === undefined) return { state, meta: null };
  const text = JSON.stringify(meta);
  if (isLargerThan(text, MAX_META_BYTES)) {
    throw new InvalidOptionError("meta", `has more than ${MAX_META_BYTES} bytes of JSON.`);
  }
  return { state, meta: text };
}

/** The log of one attempt: the first lines that fit, and how many more there were. */
export class AttemptLog {
  readonly #lines: LogLine[] = [];
  #bytes = 0;
  #dropped = 0;
  #lastAt = 0;

  /** Never throws: what can't be JSON is left out. */
  add(entry: LogEntry): void {
    const kept = lineOf(entry);
    const bytes = bytesOf(kept);
    this.#lastAt = entry.at;
    const isFull = this.#bytes + bytes > MAX_ATTEMPT_LOG_BYTES - RESERVED_BYTES;
    // Once a line was dropped no later one is kept: the log has no holes.
    if (this.#dropped > 0 || this.#lines.length >= MAX_LOG_LINES || isFull) {
      this.#dropped += 1;
      return;
    }
    this.#lines.push(kept);
    this.#bytes += bytes;
  }

  /** Null: nothing was logged. */
  lines(): readonly LogLine[] | null {
    if (this.#dropped === 0) return this.#lines.length === 0 ? null : [...this.#lines];
    const message = `… ${this.#dropped} more lines were dropped`;
    return [...this.#lines, { at: this.#lastAt, level: "warn", message }];
  }
}

/** Keeps the lines of a task's attempts within MAX_TASK_LOG_BYTES; those of the oldest go first. */
export function boundLogs<Attempt extends { readonly logs?: readonly LogLine[] }>(
  attempts: Attempt[],
): Attempt[] {
  if (attempts.every(({ logs }) => logs === undefined)) return attempts;
  let left = MAX_TASK_LOG_BYTES;
  return attempts
    .toReversed()
    .map((attempt) => {
      if (attempt.logs === undefined) return attempt;
      left -= bytesOf(attempt.logs);
      if (left >= 0) return attempt;
      const { logs: _dropped, ...rest } = attempt;
      return rest as Attempt;
    })
    .toReversed();
}

/** The line as it is kept: what is too large, or no JSON, is left out. */
function lineOf({ fields, message, ...line }: LogEntry): LogLine {
  const text = String(message).slice(0, MAX_MESSAGE_LENGTH).toWellFormed();
  if (fields === undefined) return { ...line, message: text };
  try {
    const json = JSON.stringify(fields);
    if (isLargerThan(json, MAX_FIELDS_BYTES)) {
      return { ...line, message: `${text} (its fields are too large)` };
    }
    return { ...line, message: text, fields: json };
  } catch {
    return { ...line, message: `${text} (its fields are no JSON)` };
  }
}

function bytesOf(value: unknown): number {
  // The comma or bracket around it counts too.
  return new TextEncoder().encode(JSON.stringify(value)).length + 1;
}

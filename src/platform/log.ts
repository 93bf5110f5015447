import { traceScope } from "./trace/trace-scope.ts";

/** Of a text in the log; what is longer says no more. */
const MAX_LENGTH = 2_000;
/** JSON leaves these as they are: they would move the cursor, turn the line around or end it where it is read. */
const UNSAFE = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;
/** Events that somebody has to look into, by how they are named. */
const ERRORS = /_(?:failed|broken|dead|lost|conflict)$|^not_configured$/;
/** Of those, what is tried again by itself. */
const WARNINGS =
  /^(?:attempt|exchange|heartbeat|report|ring|notify|direct_run|doorbell)_failed$|^stale_/;

type Level = "info" | "warn" | "error";

/**
 * One JSON line per event, for Workers Logs: its level, its name, the trace it belongs to (of the request or attempt
 * that it happens in, unless the caller says another), and fields chosen by the caller: ids, names, counts, errors;
 * never arguments, results, addresses or secrets.
 */
export function log(event: string, fields: Record<string, unknown> = {}): void {
  const level = levelOf(event);
  const trace = traceScope.current();
  const entries = Object.entries(fields).map(([key, value]) => [key, readable(value)]);
  const line = {
    ...{ level, event },
    ...(trace !== null && { trace_id: trace }),
    ...Object.fromEntries(entries),
  };
  const text = JSON.stringify(line).replaceAll(UNSAFE, escaped);
  // The one place that writes the log.
  console[level === "info" ? "log" : level](text);
}

/** An error as its root cause: what wraps it may quote statements and their parameters. Anything else as it is. */
export function rootOf(value: unknown): unknown {
  let root = value;
  while (root instanceof Error && root.cause instanceof Error) root = root.cause;
  return root;
}

function levelOf(event: string): Level {
  if (WARNINGS.test(event)) return "warn";
  return ERRORS.test(event) ? "error" : "info";
}

function readable(value: unknown): unknown {
  const root = rootOf(value);
  const text = root instanceof Error ? String(root) : root;
  return typeof text === "string" ? text.slice(0, MAX_LENGTH).toWellFormed() : text;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

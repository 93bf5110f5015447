import type { TaskRecord } from "./wire.ts";

/*
 * A trace is everything that one request set off: 32 hex digits (W3C Trace Context), carried by the request's tasks
 * in their options, and by theirs. A task that nothing set off (a schedule's run, what the deployment calls by
 * itself) begins one, and its own id is the trace's: nothing is stored for it.
 */

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const LATER_TRACEPARENT =
  /^(?!ff|00)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}-/;

/** The trace that work belongs to, wherever in it one asks. */
export interface TraceScope {
  /** Null: it belongs to none. */
  current(): string | null;
  /** Does the work as part of a trace. */
  run<T>(traceId: string, work: () => T): T;
}

/** The trace that a `traceparent` header names; null: it is none, or makes no sense, and a new one begins. */
export function parseTraceparent(header: string | null): string | null {
  if (header === null || header.length > 200) return null;
  const text = header.trim();
  return (TRACEPARENT.exec(text) ?? LATER_TRACEPARENT.exec(text))?.[1] ?? null;
}

/** @param bytes 16 random ones */
export function newTraceId(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The trace that a task belongs to. */
export function traceIdOf({ id, options }: Pick<TaskRecord, "id" | "options">): string {
  return options.trace ?? id.replaceAll("-", "");
}

/** Whether a trace is one of those that are logged; all of it is, or nothing. @param share from 0 to 1 */
export function isSampled(traceId: string, share: number): boolean {
  return share > 0 && Number.parseInt(traceId.slice(-8), 16) < share * 2 ** 32;
}

/** The header for those whom a task calls outside: the end of its id stands for the span. */
export function traceparentOf(traceId: string, taskId: string): string {
  return `00-${traceId}-${taskId.replaceAll("-", "").slice(16)}-01`;
}

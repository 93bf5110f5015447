import { printable } from "../text.ts";
import { reprOf } from "../python.ts";
import type { TaskEvent } from "./watch-events.ts";

/**
 * A line of `celery events --dump`: `lovage@1 [2026-11-20 20:17:03.562000+00:00] task succeeded:
 * process_data(<id>) queue=default, retries=0, …`. Arguments are not in it: they may be nobody else's business.
 */
export function dumpLine(event: TaskEvent): string {
  const { type, uuid, timestamp, hostname, name, ...fields } = event;
  const all = Math.round(timestamp * 1e6);
  const at = new Date(Math.floor(all / 1_000)).toISOString().slice(0, 19).replace("T", " ");
  const micros = String(all % 1e6).padStart(6, "0");
  const shown = Object.entries(fields)
    .filter(([, value]) => value !== null)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${shownValue(value)}`);
  const what = type.toLowerCase().replaceAll("-", " ");
  return `${hostname} [${at}.${micros}+00:00] ${what}: ${printable(name)}(${uuid}) ${shown.join(", ")}`;
}

/** Words as they are; what could be read as more than one as Python quotes it. */
function shownValue(value: unknown): string {
  if (typeof value !== "string") return reprOf(value);
  return /^[\w.:@-]+$/.test(value) ? value : reprOf(value);
}

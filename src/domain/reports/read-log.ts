import { sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { MAX_SPAN_MS, type LogEntry } from "./log-entry.ts";
import { apiLog } from "./tables.ts";

/** Rows of a page: 200,000 requests at most, so memory stays bounded. */
const PAGE_ROWS = 1_000;

interface LogReader {
  /** Is given every request once, about in the order of time. */
  readonly visit: (at: number, entry: LogEntry) => void;
  /** After every page: about up to where it was read, epoch ms. */
  readonly onPage: (at: number) => void;
  readonly signal: AbortSignal;
}

/**
 * Reads the requests of a time (epoch ms; `until` not included), page after page by the primary key.
 * @throws the signal's reason when it aborts
 */
export async function readLog(
  db: DrizzleD1Database,
  { from, until }: { readonly from: number; readonly until: number },
  { visit, onPage, signal }: LogReader,
): Promise<void> {
  let after = { firstAt: from - MAX_SPAN_MS, id: "" };
  for (;;) {
    signal.throwIfAborted();
    const page = await pageOfLog(db, after, until, PAGE_ROWS);
    for (const { firstAt, entries } of page) {
      for (const entry of JSON.parse(entries) as LogEntry[]) {
        const at = firstAt + entry[0];
        if (at >= from && at < until) visit(at, entry);
      }
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_ROWS) return;
    after = last;
    onPage(last.firstAt);
  }
}

/** Rows in the order of the key, from behind `after` on, begun before `until`. */
function pageOfLog(
  db: DrizzleD1Database,
  after: { readonly firstAt: number; readonly id: string },
  until: number,
  limit: number,
) {
  return db
    .select()
    .from(apiLog)
    .where(sql`(first_at, id) > (${after.firstAt}, ${after.id}) AND first_at < ${until}`)
    .orderBy(apiLog.firstAt, apiLog.id)
    .limit(limit);
}

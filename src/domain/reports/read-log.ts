import { sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { MAX_SPAN_MS, type LogEntry } from "./log-entry.ts";
import type { apiLog } from "./tables.ts";

/**
 * A page has no more, so memory stays bounded: some 40,000 requests. Rows may be full or of one request each,
 * and seven million of those have to be read with less than the 1,000 queries that an invocation may make.
 */
const PAGE_BYTES = 4 * 1_048_576;
const PAGE_ROWS = 20_000;

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
    const page = await pageOfLog(db, after, until);
    for (const { firstAt, entries } of page) {
      for (const entry of JSON.parse(entries) as LogEntry[]) {
        const at = firstAt + entry[0];
        if (at >= from && at < until) visit(at, entry);
      }
    }
    const last = page.at(-1);
    if (last === undefined) return;
    after = last;
    onPage(last.firstAt);
  }
}

/** Rows in the order of the key, from behind `after` on, begun before `until`; none: there are no more. */
function pageOfLog(
  db: DrizzleD1Database,
  after: { readonly firstAt: number; readonly id: string },
  until: number,
): Promise<(typeof apiLog.$inferSelect)[]> {
  const rows = sql`FROM api_log
    WHERE (first_at, id) > (${after.firstAt}, ${after.id}) AND first_at < ${until}
    ORDER BY first_at, id`;
  return db.all(
    sql`SELECT first_at AS firstAt, id, entries ${rows} LIMIT (SELECT max(1, count(*)) FROM (
      SELECT sum(bytes) OVER (ORDER BY first_at, id ROWS UNBOUNDED PRECEDING) AS total FROM (
        SELECT first_at, id, octet_length(entries) AS bytes ${rows} LIMIT ${PAGE_ROWS}))
      WHERE total <= ${PAGE_BYTES})`,
  );
}

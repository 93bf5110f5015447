import { sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import * as z from "zod";
import { signature } from "#engine";
import { defineShopTask, throwIfTaken } from "../services/index.ts";
import { MAX_SPAN_MS } from "./log-entry.ts";
import { keptSince } from "./period.ts";
import { apiLog } from "./tables.ts";

const NAME = "cleanup_old_logs";
/** Rows that one statement deletes. */
const BATCH_ROWS = 500;
/** After so many queries another run goes on: an invocation may make 1,000. */
const MAX_BATCHES = 400;

/** Deletes the log of requests from before LOG_DAYS. Safe to repeat. When much is left, it calls itself. */
export const cleanupOldLogs = defineShopTask({
  name: NAME,
  params: z.object({}),
  autoretryFor: [Error],
  retryBackoff: 10,
  softTimeLimitSeconds: 600,
  handler: async (_params, ctx) => {
    const { db, clock, logDays } = ctx.services;
    const before = keptSince(clock.now(), logDays);
    let deleted = 0;
    let batches = 0;
    let isDone = false;
    while (!isDone && batches < MAX_BATCHES && !ctx.signal.aborted) {
      const rows = await deleteBatch(db, before);
      batches += 1;
      deleted += rows;
      isDone = rows < BATCH_ROWS;
      ctx.progress({ current: deleted, total: isDone ? deleted : deleted + BATCH_ROWS });
    }
    const older_than = new Date(before).toISOString();
    const result = { deleted_rows: deleted, older_than, finished: isDone };
    if (isDone) return result;
    throwIfTaken(ctx.signal);
    const { taskId } = await ctx.lovage.send(signature(NAME, {}), { route: NAME, key: ctx.taskId });
    return { ...result, continued_by: taskId };
  },
});

/** Rows whose last request came before. Rows written: 1 each. */
async function deleteBatch(db: DrizzleD1Database, before: number): Promise<number> {
  const { meta } = await db.run(deleteQuery(before, BATCH_ROWS));
  return meta.changes;
}

/** The oldest first. @param before epoch ms */
function deleteQuery(before: number, limit: number) {
  return sql`DELETE FROM ${apiLog} WHERE (first_at, id) IN
    (SELECT first_at, id FROM ${apiLog} WHERE first_at < ${before - MAX_SPAN_MS}
      ORDER BY first_at, id LIMIT ${limit})`;
}

import { sql } from "drizzle-orm";
import * as z from "zod";
import { crontab, declareSchedule, type DeclaredSchedule } from "#engine";
import { defineShopTask } from "../services/index.ts";
import { sessionIdPrefix } from "./sessions.ts";
import { passwordResets, sessions, triesLeft } from "./tables.ts";

/** Rows of one statement. */
const AT_ONCE = 500;
/** Statements of one run; what is left then is the next run's. */
const MAX_STATEMENTS = 100;
/** A mailed link's row outlives it by this: see the table. */
const RESETS_KEPT_MS = 86_400_000;

/** Deletes sessions, reset links and counts of tries that are over. Safe to repeat and to cut off. */
export const cleanupExpiredTokens = defineShopTask({
  name: "cleanup_expired_tokens",
  params: z.object({}),
  autoretryFor: [Error],
  retryBackoff: true,
  timeLimitSeconds: 300,
  handler: async (_params, ctx) => {
    const { db, clock } = ctx.services;
    const now = clock.now();
    const steps = {
      deleted_sessions: () =>
        db.delete(sessions).where(
          sql`id IN (SELECT id FROM sessions WHERE id < ${sessionIdPrefix(now)}
            ORDER BY id LIMIT ${AT_ONCE})`,
        ),
      deleted_reset_links: () =>
        db.delete(passwordResets).where(
          sql`(user_id, task_id) IN (SELECT user_id, task_id FROM password_resets
            WHERE expires_at < ${now - RESETS_KEPT_MS} ORDER BY expires_at LIMIT ${AT_ONCE})`,
        ),
      deleted_try_counts: () =>
        db.delete(triesLeft).where(
          sql`(ends_at, key) IN (SELECT ends_at, key FROM tries_left
            WHERE ends_at <= ${now} ORDER BY ends_at LIMIT ${AT_ONCE})`,
        ),
    };
    const deleted = { deleted_sessions: 0, deleted_reset_links: 0, deleted_try_counts: 0 };
    const names = ["deleted_sessions", "deleted_reset_links", "deleted_try_counts"] as const;
    let statements = 0;
    for (const name of names) {
      for (let isLast = false; !isLast && statements < MAX_STATEMENTS; statements += 1) {
        if (ctx.signal.aborted) return { ...deleted, is_done: false };
        const { changes } = (await steps[name]()).meta;
        deleted[name] += changes;
        isLast = changes < AT_ONCE;
        ctx.progress({ current: statements, total: MAX_STATEMENTS, ...deleted });
      }
    }
    return { ...deleted, is_done: statements < MAX_STATEMENTS };
  },
});

export const cleanupSchedule = (timezone: string): DeclaredSchedule =>
  declareSchedule(
    "cleanup_expired_tokens",
    cleanupExpiredTokens.s({}),
    crontab(timezone, { minute: "17" }),
    { overlap: "skip", description: "Deletes sessions, links and counters that are over." },
  );

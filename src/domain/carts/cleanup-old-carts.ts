import * as z from "zod";
import { defineShopTask } from "../services/index.ts";
import { deleteOldCarts } from "./cart-book.ts";

const DAY_MS = 86_400_000;
const BATCH = 200;
/** What is left after so many batches waits for the next run: an invocation may make 1,000 queries. */
const MAX_BATCHES = 400;

/**
 * Deletes carts that nobody touched for the days of the setting CART_DAYS, the oldest first: 80,000 a run at
 * most, the rest the next night. Every batch is a statement of its own, which looks at a cart's age as it
 * deletes it: one that is touched meanwhile stays. Safe to repeat.
 */
export const cleanupOldCarts = defineShopTask({
  name: "cleanup_old_carts",
  params: z.object({}),
  autoretryFor: [Error],
  retryBackoff: true,
  handler: async (_params, ctx) => {
    const { db, clock, cartDays } = ctx.services;
    const untouchedSince = clock.now() - cartDays * DAY_MS;
    let deleted = 0;
    for (let batch = 0; batch < MAX_BATCHES && !ctx.signal.aborted; batch += 1) {
      const count = await deleteOldCarts(db, untouchedSince, BATCH);
      deleted += count;
      if (count < BATCH) return { deleted_count: deleted, is_done: true };
      ctx.progress({ current: batch + 1, total: MAX_BATCHES, deleted_count: deleted });
    }
    return { deleted_count: deleted, is_done: false };
  },
});

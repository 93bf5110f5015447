import * as z from "zod";
import { deleteOldEntries } from "../audit/index.ts";
import { cleanUpUploads } from "../files/index.ts";
import { deleteOldMails } from "../mail/index.ts";
import { defineShopTask } from "../services/index.ts";

const DAY_MS = 86_400_000;

/**
 * Deletes what nobody will ask for any more: mails that are through and what operators did, when their time is
 * over, and uploads that never ended. When there is much, it gives its consumer up for a second now and then: an invocation may
 * make 1,000 queries.
 */
export const cleanupOldRecords = defineShopTask({
  name: "cleanup_old_records",
  params: z.object({}),
  unique: { scope: "deployment" },
  autoretryFor: [Error],
  retryBackoff: 60,
  handler: async (_params, ctx) => {
    const { services, signal } = ctx;
    const { mailDays, auditDays } = services.maintenance;
    const daysAgo = (days: number) => services.clock.now() - days * DAY_MS;
    const uploads = await ctx.step("uploads", () => cleanUpUploads(services, signal));
    /** Part after part, until one says that it was the last. */
    const all = async (name: string, part: () => Promise<{ count: number; isDone: boolean }>) => {
      for (let total = 0; ;) {
        const { count, isDone } = await ctx.step(name, part);
        total += count;
        if (isDone) return total;
        await ctx.sleep(1);
      }
    };
    const mails = await all("mails", () => deleteOldMails(services.db, daysAgo(mailDays), signal));
    const audited = await all("audit", () =>
      deleteOldEntries(services.db, daysAgo(auditDays), signal),
    );
    return { uploads, mails, audited };
  },
});

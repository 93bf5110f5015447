import { z } from "zod";
import { cleanUpUploads } from "../files/index.ts";
import { deleteOldMails } from "../mail/index.ts";
import { defineShopTask } from "../services/index.ts";

const DAY_MS = 86_400_000;

/**
 * Deletes what nobody will ask for any more: mails that are through, when their time is over, and uploads
 * that never ended. When there is much, it gives its consumer up for a second now and then: an invocation may
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
    const before = services.clock.now() - services.maintenance.mailDays * DAY_MS;
    const uploads = await ctx.step("uploads", () => cleanUpUploads(services, signal));
    for (let mails = 0; ;) {
      const part = await ctx.step("mails", () => deleteOldMails(services.db, before, signal));
      mails += part.count;
      if (part.isDone) return { uploads, mails };
      await ctx.sleep(1);
    }
  },
});

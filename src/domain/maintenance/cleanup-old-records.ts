import { z } from "zod";
import { cleanUpUploads } from "../files/index.ts";
import { deleteOldMails } from "../mail/index.ts";
import { defineShopTask } from "../services/index.ts";

const DAY_MS = 86_400_000;

/**
 * Deletes what nobody will ask for any more: mails that are through, when their time is over, and uploads
 * that never ended. What it doesn't get to the next night's run goes on with.
 */
export const cleanupOldRecords = defineShopTask({
  name: "cleanup_old_records",
  params: z.object({}),
  unique: { scope: "deployment" },
  autoretryFor: [Error],
  retryBackoff: 60,
  handler: async (_params, { services, signal }) => {
    const before = services.clock.now() - services.maintenance.mailDays * DAY_MS;
    const uploads = await cleanUpUploads(services, signal);
    const mails = await deleteOldMails(services.db, before, signal);
    return { uploads, mails };
  },
});

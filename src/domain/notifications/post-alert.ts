import * as z from "zod";
import { defineShopTask } from "../services/index.ts";

export const MAX_ALERT_CHARACTERS = 20_000;

/** For eight hours or so: who would hear of its end is whom it does not reach. */
const MAX_RETRIES = 100;

/**
 * Brings an alert to the operators' own address (ALERT_URL), at least once; without one it does nothing. It goes by
 * another queue than mail.
 */
export const postAlert = defineShopTask({
  name: "post_alert",
  params: z.object({ subject: z.string(), message: z.string().max(MAX_ALERT_CHARACTERS) }),
  autoretryFor: [Error],
  retryBackoff: true,
  maxRetries: MAX_RETRIES,
  timeLimitSeconds: 30,
  handler: async (alert, { services: { alertHook, clock } }) => {
    await alertHook?.post({ ...alert, at: clock.now() });
    return { is_posted: alertHook !== null };
  },
});

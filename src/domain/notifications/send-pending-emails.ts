import * as z from "zod";
import { signature } from "#engine";
import { MAIL_OPTIONS, MailUnavailableError } from "../mail/index.ts";
import { defineShopTask, throwIfTaken } from "../services/index.ts";

const NAME = "send_pending_emails";
/** Mails between two looks at the time: two minutes at worst. */
const SWEEP = 100;
/** One run takes no longer than this and a sweep; then another goes on. */
const RUN_MS = 10 * 60_000;
/**
 * Nor more sweeps, of 9 queries and some calls of the provider each: an invocation may make 1,000 queries,
 * and what was sent could not be written down after that.
 */
const MAX_SWEEPS = 80;

/**
 * Sends the mails that wait: queued by other parts of the shop, put off while the provider was down, left by
 * somebody who died. Two at once send others. When its time is up and more is due, it calls itself; not when it was terminated. Fails when the
 * provider can't be used, so that somebody hears of it; the mails stay. With `now`, as after an outage, it tries all
 * that waits for its next try, too; what somebody has in hand stays there.
 */
export const sendPendingEmails = defineShopTask({
  name: NAME,
  params: z.object({ now: z.boolean().default(false) }),
  ...MAIL_OPTIONS,
  retryBackoff: 60,
  maxRetries: 3,
  timeLimitSeconds: 840,
  handler: async ({ now }, { taskId: own, services: { mail, clock }, signal, log, lovage }) => {
    if (now) await mail.bringForward();
    const until = clock.now() + RUN_MS;
    const counts = { sent_count: 0, failed_count: 0, waiting_count: 0 };
    for (let sweeps = 1; ; sweeps += 1) {
      const { sent, failed, waiting, end } = await mail.sweep(SWEEP);
      counts.sent_count += sent;
      counts.failed_count += failed;
      counts.waiting_count += waiting;
      if (end === "empty") return counts;
      if (end !== "limit") {
        log.warn("mail can't be sent", { ...counts, reason: end.message });
        throw new MailUnavailableError(end.message);
      }
      if (signal.aborted || sweeps >= MAX_SWEEPS || clock.now() >= until) {
        throwIfTaken(signal);
        const { taskId } = await lovage.send(signature(NAME, {}), { route: NAME, key: own });
        return { ...counts, continued_by: taskId };
      }
    }
  },
});

import { z } from "zod";
import { defineShopTask } from "../services.ts";
import { messageIdOf } from "./message-id.ts";
import { renderAdminNotification } from "./templates.tsx";
import { MailUnavailableError, RecipientRefusedError, type MailMessage } from "./transport.ts";

const TEMPLATE = "admin_notification";

/** Tells every admin of the deployment something, by mail. Without admins it has nobody to tell. */
export const sendAdminNotification = defineShopTask({
  name: "send_admin_notification",
  params: z.object({ subject: z.string().min(1).max(200), message: z.string().max(20_000) }),
  autoretryFor: [Error],
  dontAutoretryFor: [RecipientRefusedError],
  retryBackoff: true,
  maxRetries: 8,
  timeLimitSeconds: 120,
  handler: async ({ subject, message }, { taskId, services }) => {
    const { adminEmails, locale, mail } = services;
    const messages = await Promise.all(
      adminEmails.map(async (to): Promise<MailMessage> => ({
        messageId: await messageIdOf(taskId, to, TEMPLATE),
        taskId,
        template: TEMPLATE,
        to,
        ...renderAdminNotification(subject, message, locale),
      })),
    );
    if (messages.length === 0) return { sent_count: 0, failed_count: 0, failed_emails: [] };
    const outcomes = await mail.sendBatch(messages);
    const failed = messages.filter((_message, index) => outcomes[index]?.status !== "sent");
    // Sent again to all of them: the transport knows by the message's id who has it.
    const isOpen = outcomes.some((outcome) => outcome.status === "failed" && !outcome.isPermanent);
    if (isOpen) throw new MailUnavailableError(`${failed.length} of the admins could not be told.`);
    return {
      sent_count: messages.length - failed.length,
      failed_count: failed.length,
      failed_emails: failed.map(({ to }) => to),
    };
  },
});

import { z } from "zod";
import { listAdmins } from "../accounts/index.ts";
import { defineMail, MAIL_OPTIONS, mailOf, MailUnavailableError } from "../mail/index.ts";
import { defineShopTask } from "../services/index.ts";

interface Notice {
  readonly subject: string;
  readonly message: string;
}

/** A text of the deployment's own, in whatever language it is. */
const words = ({ subject, message }: Notice) => ({ subject, body: message.split("\n\n") });
export const adminNotification = defineMail<Notice>({
  name: "admin_notification",
  sample: {
    subject: "2 tasks failed for good",
    message: "process_payment: 2\n\nSee the dashboard.",
  },
  en: words,
  ru: words,
});

/**
 * Tells every admin something, by mail: those of the settings and those with an account. Without any it has
 * nobody to tell.
 */
export const sendAdminNotification = defineShopTask({
  name: "send_admin_notification",
  params: z.object({ subject: z.string().min(1).max(200), message: z.string().max(20_000) }),
  ...MAIL_OPTIONS,
  handler: async (notice, { taskId, services }) => {
    const { adminEmails, db, locale, mail } = services;
    const accounts = await listAdmins(db);
    const wanted = new Map(adminEmails.map((to) => [to.toLowerCase(), { to, locale }]));
    for (const { email: to, locale: own } of accounts) {
      wanted.set(to.toLowerCase(), { to, locale: own ?? locale });
    }
    const recipients = [...wanted.values()];
    const outcomes = await mail.send(
      recipients.map((each) => mailOf(adminNotification, { key: taskId, ...each, props: notice })),
    );
    const failed = recipients.filter((_each, index) => outcomes[index]?.status !== "sent");
    // Sent again to all of them: the desk knows who has it.
    const isOpen = outcomes.some((outcome) => outcome.status === "failed" && !outcome.isPermanent);
    if (isOpen) throw new MailUnavailableError(`${failed.length} of the admins could not be told.`);
    return {
      sent_count: recipients.length - failed.length,
      failed_count: failed.length,
      failed_emails: failed.map(({ to }) => to),
    };
  },
});

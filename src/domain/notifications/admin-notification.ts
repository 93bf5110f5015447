import { z } from "zod";
import { listAdmins } from "../accounts/index.ts";
import { countMails, defineMail, MAIL_OPTIONS, mailOf, type Words } from "../mail/index.ts";
import { defineShopTask } from "../services/index.ts";
import { blocksOf, type Message } from "./message-blocks.ts";

const MAX_CHARACTERS = 20_000;

interface Notice {
  /** Null: there is none to say what it is about. */
  readonly subject: string | null;
  readonly message: Message;
}

/** A text of the deployment's own, in whatever language it is; or figures, as a report has them. */
const words =
  (unnamed: string) =>
  ({ subject, message }: Notice): Words => ({
    subject: subject ?? unnamed,
    body: blocksOf(message),
  });
export const adminNotification = defineMail<Notice>({
  name: "admin_notification",
  sample: {
    subject: "2 tasks failed for good",
    message: "process_payment: 2\n\nSee the dashboard.",
  },
  en: words("Notification"),
  ru: words("Уведомление"),
});

/**
 * Tells every admin something, by mail: those of the settings and those with an account. Without any it has
 * nobody to tell. The message is a text, or the result of another task: that of the link before it in a
 * chain.
 */
export const sendAdminNotification = defineShopTask({
  name: "send_admin_notification",
  params: z.object({
    subject: z.string().min(1).max(200).nullable().default(null),
    message: z
      .json()
      .refine(
        (message) => typeof message !== "string" || message.length <= MAX_CHARACTERS,
        `Must have at most ${MAX_CHARACTERS} characters.`,
      ),
  }),
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
    return countMails(
      recipients.map(({ to }) => to),
      outcomes,
    );
  },
});

import * as z from "zod";
import { listAdmins } from "../accounts/index.ts";
import { countMails, defineMail, MAIL_OPTIONS, mailOf, type Words } from "../mail/index.ts";
import { defineShopTask } from "../services/index.ts";
import { blocksOf, type Message } from "./message-blocks.ts";
import { MAX_ALERT_CHARACTERS as MAX_CHARACTERS, postAlert } from "./post-alert.ts";

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
 * Tells every admin something, by mail: those of the settings and those with an account; and the operators' own
 * address, by a task of its own, so that it gets there when mail doesn't. Without any it has nobody to tell. The message is a text, or the result of another task: that of the link before it in a
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
  handler: async (notice, { taskId, services, lovage }) => {
    const { adminEmails, alertHook, db, locale, mail } = services;
    if (alertHook !== null) {
      await lovage.send(postAlert.s(alertOf(notice)), { route: postAlert.name, key: taskId });
    }
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

function alertOf({ subject, message }: Notice): { subject: string; message: string } {
  const text = typeof message === "string" ? message : JSON.stringify(message);
  return {
    subject: subject ?? "Notification",
    message: text.slice(0, MAX_CHARACTERS).toWellFormed(),
  };
}

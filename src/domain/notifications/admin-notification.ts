import { z } from "zod";
import { listAdmins } from "../accounts/index.ts";
import { countMails, MAIL_OPTIONS, mailOf } from "../mail/index.ts";
import { defineShopTask } from "../services/index.ts";
import { defineNotice, noticeParams } from "./notice.ts";

export const adminNotification = defineNotice({
  name: "admin_notification",
  sample: {
    subject: "2 tasks failed for good",
    message: "process_payment: 2\n\nSee the dashboard.",
  },
});

/**
 * Tells every admin something, by mail: those of the settings and those with an account. Without any it has
 * nobody to tell.
 */
export const sendAdminNotification = defineShopTask({
  name: "send_admin_notification",
  params: z.object(noticeParams),
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

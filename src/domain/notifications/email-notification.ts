import * as z from "zod";
import { countMails, MAIL_OPTIONS, mailOf } from "../mail/index.ts";
import { defineShopTask } from "../services/index.ts";
import { defineNotice, noticeParams } from "./notice.ts";

export const emailNotification = defineNotice({
  name: "email_notification",
  sample: {
    subject: "Your transaction #42",
    message: "The seller has accepted your terms.\n\nYou can fund the transaction now.",
  },
});

/**
 * Sends a mail to each of a list. An address that is refused, or is none, keeps nobody else back; one that can't be
 * reached just now is tried again, alone. An address that is given twice is one.
 */
export const sendEmailNotification = defineShopTask({
  name: "send_email_notification",
  params: z.object({
    ...noticeParams,
    recipient_list: z.array(z.string().max(320)).max(1_000),
  }),
  ...MAIL_OPTIONS,
  timeLimitSeconds: 840,
  handler: async ({ recipient_list: list, ...notice }, { taskId: key, services, signal }) => {
    const { mail, locale } = services;
    const recipients = withoutRepeats(list);
    const outcomes = await mail.send(
      recipients.map((to) => mailOf(emailNotification, { key, to, locale, props: notice })),
      signal,
    );
    return countMails(recipients, outcomes);
  },
});

/** Addresses that differ in case only are one: the first of them. */
export function withoutRepeats(addresses: readonly string[]): string[] {
  const known = new Map(addresses.toReversed().map((to) => [to.toLowerCase(), to]));
  return [...known.values()].toReversed();
}

import * as z from "zod";
import {
  EMAIL_STATES,
  type AnyMail,
  type Locale,
  type MailContent,
  type StoredEmail,
} from "#domain/mail";
import { may, type Caller } from "../callers/access.ts";
import { isoTime } from "../http/answers.ts";

export const emailAnswer = z
  .strictObject({
    task_id: z.string().describe("What it was sent by: a task, or a key that tasks share."),
    template: z.string(),
    state: z.enum(EMAIL_STATES),
    attempts: z.int(),
    reason: z.string().nullable().describe("Why it was not sent, so far or at all."),
    provider_id: z.string().nullable(),
    message_id: z.string().nullable(),
    to: z.string(),
    subject: z.string(),
    text: z.string(),
    html: z.string(),
    created_at: isoTime,
  })
  .meta({ id: "Email" });

/** A stored mail as it is answered; its recipient is personal data. */
export function emailView(email: StoredEmail): z.output<typeof emailAnswer> {
  return {
    task_id: email.taskId,
    template: email.template,
    state: email.state,
    attempts: email.attempts,
    reason: email.reason,
    provider_id: email.providerId,
    message_id: email.messageId,
    to: email.toAddress,
    subject: email.subject,
    text: email.textBody,
    html: email.htmlBody,
    created_at: new Date(email.createdAt).toISOString(),
  };
}

/**
 * A mail as a caller may see it: one with a secret in it (a link that logs in) says it to admins alone, where its
 * text is kept at all.
 */
export function mailSeenBy(
  caller: Caller,
  email: StoredEmail,
  mails: readonly AnyMail[],
): StoredEmail {
  const hasSecret = mails.some(({ name, isSecret }) => isSecret && name === email.template);
  return hasSecret && !may(caller, "admin") ? { ...email, textBody: "", htmlBody: "" } : email;
}

/** A message with a sample of its props, in the shop's frame; nobody can unsubscribe with its link. */
export function sampleOf(mail: AnyMail, locale: Locale, publicUrl: string): MailContent {
  const unsubscribeLink = mail.isBulk ? `${publicUrl}/api/mail/unsubscribe/sample/` : null;
  return mail.preview(locale, { publicUrl, unsubscribeLink });
}

export const FORMATS = ["html", "text"] as const;

/**
 * A mail as its readers see it. Whatever stands in it, it runs nothing, loads nothing and knows nothing of
 * who looks at it: for frames of our own pages, and safe without them.
 */
export function renderedMail(
  { html, text }: Pick<MailContent, "html" | "text">,
  format: (typeof FORMATS)[number],
): Response {
  const isHtml = format === "html";
  return new Response(isHtml ? html : text, {
    headers: {
      "Content-Type": `text/${isHtml ? "html" : "plain"}; charset=utf-8`,
      "Content-Security-Policy": [
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
        "sandbox",
      ].join("; "),
    },
  });
}

import type { AnyMail, Locale, MailContent, StoredEmail } from "#domain/mail";

/** A stored mail as it is answered; its recipient is personal data. */
export function emailView(email: StoredEmail) {
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

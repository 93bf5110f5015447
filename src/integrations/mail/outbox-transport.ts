import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { Clock } from "#engine";
import {
  emails,
  type MailMessage,
  type MailOutcome,
  type MailTransport,
} from "#domain/notifications";

/** The top-level domain that can't exist (RFC 2606): stands for an address that a provider refuses. */
const REFUSED = /\.invalid$/i;
/** A D1 statement takes 100 parameters, a mail has 8. */
const MAILS_PER_STATEMENT = 12;

/**
 * The default transport: keeps every mail in D1 instead of sending it, to be read through the API. A mail
 * sent again (same task, recipient and template) is kept once.
 */
export function createOutboxTransport(db: DrizzleD1Database, clock: Clock): MailTransport {
  return {
    async sendBatch(messages) {
      const accepted = messages.filter((message) => !REFUSED.test(message.to));
      const rows = accepted.map((message) => toRow(message, clock.now()));
      const inserts = [];
      for (let from = 0; from < rows.length; from += MAILS_PER_STATEMENT) {
        const some = rows.slice(from, from + MAILS_PER_STATEMENT);
        inserts.push(db.insert(emails).values(some).onConflictDoNothing());
      }
      const [first, ...others] = inserts;
      if (first !== undefined) await db.batch([first, ...others]);
      return messages.map(outcomeOf);
    },
  };
}

function outcomeOf({ to }: MailMessage): MailOutcome {
  if (!REFUSED.test(to)) return { status: "sent" };
  return { status: "failed", isPermanent: true, reason: "550 No such mailbox." };
}

function toRow(message: MailMessage, createdAt: number): typeof emails.$inferInsert {
  return {
    taskId: message.taskId,
    toAddress: message.to,
    template: message.template,
    messageId: message.messageId,
    subject: message.subject,
    textBody: message.text,
    htmlBody: message.html,
    createdAt,
  };
}

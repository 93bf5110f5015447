import type { MailMessage, MailOutcome, MailTransport } from "#domain/mail";

/** The top-level domain that can't exist (RFC 2606): stands for an address that a provider refuses. */
const REFUSED = /\.invalid$/i;

/** The default transport: sends nothing. The mails are where the shop keeps them, to be read through the API. */
export const outboxTransport: MailTransport = {
  keepsMail: true,
  isIdempotent: true,
  batchSize: 100,
  sendBatch: (messages) => Promise.resolve(messages.map(outcomeOf)),
};

function outcomeOf({ to }: MailMessage): MailOutcome {
  if (!REFUSED.test(to)) return { status: "sent" };
  return { status: "failed", isPermanent: true, isBounce: true, reason: "550 No such mailbox." };
}

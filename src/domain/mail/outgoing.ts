import type { emails } from "./tables.ts";
import type { MailMessage, MailOutcome } from "./transport.ts";

export type StoredEmail = typeof emails.$inferSelect;

/** A message on its way. */
export interface Outgoing {
  readonly message: MailMessage;
  readonly isSecret: boolean;
  /** Tries, this one included. Tells whose hands it is in. */
  readonly attempts: number;
  /** Epoch ms. */
  readonly createdAt: number;
}

/** Why a subscriber of nothing gets no bulk mail; kept with the mail. */
export const UNSUBSCRIBED_REASON = "Its reader unsubscribed.";

/**
 * What makes a mail one mail for those who ask, as text: addresses that differ in case only are one mailbox.
 */
export function identityOf({
  taskId,
  to,
  template,
}: Pick<MailMessage, "taskId" | "to" | "template">): string {
  return JSON.stringify([taskId, to.toLowerCase(), template]);
}

/** A stored mail, to be sent by the sweep: it has no secret in it, or it would not have its text. */
export function toOutgoing(row: StoredEmail): Outgoing {
  return {
    message: {
      messageId: row.messageId,
      taskId: row.taskId,
      template: row.template,
      to: row.toAddress,
      subject: row.subject,
      text: row.textBody,
      html: row.htmlBody,
      headers: row.headers === null ? {} : (JSON.parse(row.headers) as Record<string, string>),
    },
    isSecret: false,
    attempts: row.attempts,
    createdAt: row.createdAt,
  };
}

/** Mails that go through the transport together. */
export const AT_ONCE = 50;
/** UTF-16 units of text that go to the database at once: a parameter may have 2 MB. */
const MAX_BATCH_LENGTH = 500_000;

/** Each mail once, and no more of them together than the transport and the database take. */
export function batchesOf(mails: readonly Outgoing[]): Outgoing[][] {
  const batches: Outgoing[][] = [];
  const seen = new Set<string>();
  let length = Infinity;
  for (const mail of mails) {
    const identity = identityOf(mail.message);
    if (seen.has(identity)) continue;
    seen.add(identity);
    const own = mail.message.text.length + mail.message.html.length;
    if (length + own > MAX_BATCH_LENGTH || batches.at(-1)?.length === AT_ONCE) {
      batches.push([]);
      length = 0;
    }
    batches.at(-1)?.push(mail);
    length += own;
  }
  return batches;
}

/** Bulk mail has a way to unsubscribe, and no other has. */
export function isBulk({ headers }: Pick<MailMessage, "headers">): boolean {
  return "List-Unsubscribe" in headers;
}

export function outcomeOf({ state, reason, dueAt }: StoredEmail, now: number): MailOutcome {
  if (state === "sent") return { status: "sent" };
  if (state === "failed") return { status: "failed", isPermanent: true, reason: reason ?? "" };
  const why =
    state === "sending" ? "Somebody else is sending it just now." : "It waits to be sent.";
  return { ...failedForNow(reason ?? why), retryAfterSeconds: secondsUntil(dueAt, now) };
}

export function failedForNow(reason: string) {
  return { status: "failed", isPermanent: false, reason } as const;
}

export function secondsUntil(dueAt: number, now: number): number {
  return Math.max(1, Math.ceil((dueAt - now) / 1_000));
}

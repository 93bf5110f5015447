import type { emails } from "./tables.ts";
import type { MailMessage, MailOutcome } from "./transport.ts";

export type StoredEmail = typeof emails.$inferSelect;

/** A message on its way. */
export interface Outgoing {
  readonly message: MailMessage;
  readonly isSecret: boolean;
  /** Tries, this one included. */
  readonly attempts: number;
  /** Epoch ms. */
  readonly createdAt: number;
}

/** What makes a mail one mail, as JSON text. */
export function identityOf({
  taskId,
  to,
  template,
}: Pick<MailMessage, "taskId" | "to" | "template">): string {
  return JSON.stringify([taskId, to, template]);
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

export function outcomeOf({ state, reason }: StoredEmail): MailOutcome {
  if (state === "sent") return { status: "sent" };
  if (state === "failed") return { status: "failed", isPermanent: true, reason: reason ?? "" };
  return failedForNow("Somebody else is sending it just now.");
}

export function failedForNow(reason: string): MailOutcome {
  return { status: "failed", isPermanent: false, reason };
}

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

export function headersOf({ headers }: Pick<StoredEmail, "headers">): Record<string, string> {
  return headers === null ? {} : (JSON.parse(headers) as Record<string, string>);
}

/** Mails in our hands that the transport is asked for together. */
export interface InHand {
  /** In the order in which they are asked for. */
  readonly mails: readonly Outgoing[];
  /** What the transport knows them by. */
  readonly key: string;
  /** True: the key is stored with them, so that they can be asked for again as they are. */
  readonly isKept: boolean;
  /** True: they may be out already, under this key. */
  readonly isRepeat: boolean;
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
      headers: headersOf(row),
    },
    isSecret: false,
    attempts: row.attempts,
    createdAt: row.createdAt,
  };
}

/** The order in which a batch is asked for, whoever asks and however often. */
export function inOrder(mails: readonly Outgoing[]): Outgoing[] {
  return mails.toSorted((a, b) => compare(placeOf(a), placeOf(b)));
}

const placeOf = ({ message: { taskId, to, template } }: Outgoing) =>
  JSON.stringify([taskId, to, template]);

/** By code units, which no locale changes. */
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** UTF-16 units of text that go to the database at once: a parameter may have 2 MB. */
const MAX_BATCH_LENGTH = 500_000;

/**
 * Each mail once, and no more of them together than the transport and the database take.
 * @param size of a batch, in mails
 * @param isAlone mails that are a batch of their own
 */
export function batchesOf(
  mails: readonly Outgoing[],
  size: number,
  isAlone: (mail: Outgoing) => boolean = () => false,
): Outgoing[][] {
  const batches: Outgoing[][] = [];
  const alone: Outgoing[][] = [];
  const seen = new Set<string>();
  let length = Infinity;
  for (const mail of mails) {
    const identity = identityOf(mail.message);
    if (seen.has(identity)) continue;
    seen.add(identity);
    if (isAlone(mail)) {
      alone.push([mail]);
      continue;
    }
    const own = mail.message.text.length + mail.message.html.length;
    if (length + own > MAX_BATCH_LENGTH || batches.at(-1)?.length === size) {
      batches.push([]);
      length = 0;
    }
    batches.at(-1)?.push(mail);
    length += own;
  }
  return [...batches, ...alone];
}

/** Bulk mail has a way to unsubscribe, and no other has. */
export function isBulk({ headers }: Pick<MailMessage, "headers">): boolean {
  return "List-Unsubscribe" in headers;
}

export function outcomeOf(row: StoredEmail, now: number): MailOutcome {
  const { state, reason, dueAt, providerId } = row;
  if (state === "sent") return { status: "sent", ...(providerId !== null && { providerId }) };
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

import type { NodemailerError } from "nodemailer/lib/errors";
import type { MailOutcome } from "#domain/mail";

/** A mail that was not sent. */
export type SmtpFailure = Extract<MailOutcome, { status: "failed" }>;

/**
 * What trouble with a message says, and about whom:
 * - `message`: about it alone; the connection goes on.
 * - `connection`: the connection is over; a message that was surely not sent may go over another.
 * - `account`: the server takes nothing of ours until a person has looked.
 */
export interface SmtpVerdict {
  readonly scope: "message" | "connection" | "account";
  readonly outcome: SmtpFailure;
}

/** A server that is asked for patience by its own answer is left alone for so long. */
const SLOW_DOWN_SECONDS = 300;
/** The mailbox doesn't exist, can't exist, moved away, takes no mail at all, or is disabled (RFC 3463, RFC 7505). */
const NO_MAILBOX = new Set(["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"]);
/** A server's limits for those who send, whatever it answers them with. */
const SENDING_LIMITS = new Set(["4.3.1", "4.5.3", "5.4.5"]);
/** Said about who sends: log in first. */
const LOGIN_CODES = new Set([530, 534, 535, 538]);
/** In `(#5.1.1)` too, as qmail writes it. */
const ENHANCED = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b|\(#(\d\.\d{1,3}\.\d{1,3})\)/;
const SAYS_NO_MAILBOX =
  /\b(no such|unknown|nonexistent|non-existent) (user|mailbox|recipient|address|account)|\b(user|mailbox|recipient|address|account)\b.{0,80}\b(unknown|not found|does not exist|doesn't exist|disabled)\b/i;
const SAYS_POLICY = /spam|block|blacklist|blocklist|polic|denied|relay|reputation|spf|dkim|dmarc/i;
const CERTIFICATE = /CERT|VERIFY_LEAF_SIGNATURE/;
const QUEUE_IDS = [
  // Postfix
  /\bqueued as (\S+)/i,
  // Exim
  /\bid=(\S+)/,
  // OpenSMTPD, Sendmail
  /^250 2\.\d\.\d (\S+) Message accepted/i,
  // Amazon SES
  /^250 Ok ([0-9a-f-]{20,})$/i,
];
const MAX_PROVIDER_ID_LENGTH = 200;

/** The server's own name for a message, out of its answer; null: it says none. */
export function providerIdOf(answer: string): string | null {
  for (const pattern of QUEUE_IDS) {
    const id = pattern.exec(answer.trim())?.[1];
    if (id !== undefined) return id.slice(0, MAX_PROVIDER_ID_LENGTH);
  }
  return null;
}

/**
 * Sorts what came of a message.
 * @param isHandedOver whether all of it, with its end, was given to the connection: then only an answer tells
 */
export function sortSendError(error: NodemailerError, isHandedOver: boolean): SmtpVerdict {
  const { responseCode: code = 0, response = "", command } = error;
  if (error.code === "EENVELOPE" && code === 0) {
    return { scope: "message", outcome: never(error.message) };
  }
  const isAnswer = code >= 400 && code < 600;
  if (!isAnswer) return lost(error.message, isHandedOver);
  if (code === 421 || code === 503 || command === "CONN") return lost(response, false);
  const status = enhancedStatus(response);
  if (SENDING_LIMITS.has(status) || (code === 452 && status !== "4.2.2")) {
    const outcome = { ...later(response), retryAfterSeconds: SLOW_DOWN_SECONDS };
    return { scope: "message", outcome };
  }
  if (code < 500) return { scope: "message", outcome: later(response) };
  const isTooLarge = code === 552 || status === "5.3.4";
  if (LOGIN_CODES.has(code) || (command === "MAIL FROM" && !isTooLarge)) {
    return { scope: "account", outcome: later(response) };
  }
  const isBounce = command === "RCPT TO" && isMailboxGone(code, status, response);
  return { scope: "message", outcome: { ...never(response), ...(isBounce && { isBounce }) } };
}

/**
 * Whether an error before the first message says that no mail of ours will be taken until a person has looked: the
 * server refuses us, our login or TLS for good, or shows a certificate that isn't its own.
 */
export function isStop(error: NodemailerError): boolean {
  const { responseCode } = error;
  if (responseCode !== undefined) return responseCode >= 500;
  return CERTIFICATE.test(`${error.code} ${error.originalCode}`);
}

export function later(reason: string) {
  return { status: "failed", isPermanent: false, reason } as const;
}

function never(reason: string) {
  return { status: "failed", isPermanent: true, reason } as const;
}

function lost(reason: string, isUnknown: boolean): SmtpVerdict {
  return { scope: "connection", outcome: { ...later(reason), ...(isUnknown && { isUnknown }) } };
}

/** RFC 3463's code in an answer; empty: there is none. */
function enhancedStatus(response: string): string {
  const found = ENHANCED.exec(response);
  return found?.[1] ?? found?.[2] ?? "";
}

/**
 * Whether a refused recipient is a mailbox that will never take mail. Without an enhanced code only a 550 that says
 * so in words counts: 551 and 553 are also said about senders and relaying, and who is taken for gone by mistake
 * gets no mail any more, while who is not costs one refusal more.
 */
function isMailboxGone(code: number, status: string, response: string): boolean {
  if (status !== "") return NO_MAILBOX.has(status);
  return code === 550 && SAYS_NO_MAILBOX.test(response) && !SAYS_POLICY.test(response);
}

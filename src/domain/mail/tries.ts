import { isBulk, secondsUntil, UNSUBSCRIBED_REASON, type Outgoing } from "./outgoing.ts";
import type { MailOutcome } from "./transport.ts";

const DAY_MS = 86_400_000;
/** A mail that can't be sent for so long is given up. */
export const GIVE_UP_AFTER_MS = 3 * DAY_MS;
/** One of many is news, and the result of all waits for it. */
const GIVE_UP_BULK_AFTER_MS = DAY_MS;
const RETRY_MS = 60_000;
const MAX_RETRY_MS = 3_600_000;
/** What a provider says is kept up to this length. */
const MAX_REASON_LENGTH = 500;

const refused = (reason: string): MailOutcome => ({ status: "failed", isPermanent: true, reason });
export const SUPPRESSED = refused("The address is on the suppression list.");
export const UNSUBSCRIBED = refused(UNSUBSCRIBED_REASON);
export const NO_ADDRESS = refused("This is no e-mail address.");

/** How a try ended, as it is written down. */
export interface MailEnd {
  readonly mail: Outgoing;
  /** As whoever asked for it is told. */
  readonly outcome: MailOutcome;
  readonly state: "pending" | "sent" | "failed";
  /** Epoch ms: when it is tried again; 0 when it is through. */
  readonly dueAt: number;
  readonly reason: string | null;
  /** The mailbox will never take mail. */
  readonly isBounce: boolean;
  /** Its text is kept no longer. */
  readonly isForgotten: boolean;
}

/** What a try leaves behind: the end, or the time of the next one, ever later. */
export function endOf(
  mail: Outgoing,
  outcome: MailOutcome,
  { now, keepsMail }: { readonly now: number; readonly keepsMail: boolean },
): MailEnd {
  const bulk = isBulk(mail.message);
  const through = { mail, dueAt: 0, isBounce: false, isForgotten: bulk && !keepsMail };
  if (outcome.status === "sent") return { ...through, outcome, state: "sent", reason: null };
  const reason = outcome.reason.slice(0, MAX_REASON_LENGTH).toWellFormed();
  if (outcome.isPermanent) {
    const isBounce = outcome.isBounce === true;
    return { ...through, outcome, state: "failed", reason, isBounce };
  }
  if (now - mail.createdAt > (bulk ? GIVE_UP_BULK_AFTER_MS : GIVE_UP_AFTER_MS)) {
    return { ...through, outcome: refused(reason), state: "failed", reason };
  }
  const wait = Math.min(RETRY_MS * 2 ** Math.min(mail.attempts - 1, 10), MAX_RETRY_MS);
  const dueAt = now + wait;
  const later = { ...outcome, retryAfterSeconds: secondsUntil(dueAt, now) };
  return { ...through, outcome: later, state: "pending", dueAt, reason, isForgotten: false };
}

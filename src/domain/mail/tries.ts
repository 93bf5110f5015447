import {
  isBulk,
  secondsUntil,
  UNSUBSCRIBED_REASON,
  type InHand,
  type Outgoing,
} from "./outgoing.ts";
import { MailStoppedError, MailUnavailableError, type MailOutcome } from "./transport.ts";

const DAY_MS = 86_400_000;
/** A mail that can't be sent for so long is given up. */
export const GIVE_UP_AFTER_MS = 3 * DAY_MS;
/** One of many is news, and the result of all waits for it. */
const GIVE_UP_BULK_AFTER_MS = DAY_MS;
/** But not before so many tries, of some hours: it may have waited for a person, or in a queue that was paused. */
const MIN_TRIES = 10;
const RETRY_MS = 60_000;
const MAX_RETRY_MS = 3_600_000;
/** What a provider says is kept up to this length. */
const MAX_REASON_LENGTH = 500;

type Failure = Extract<MailOutcome, { readonly status: "failed" }>;

const refused = (reason: string): Failure => ({ status: "failed", isPermanent: true, reason });
export const SUPPRESSED = refused("The address is on the suppression list.");
export const UNSUBSCRIBED = refused(UNSUBSCRIBED_REASON);
export const NO_ADDRESS = refused("This is no e-mail address.");
/** An answer got lost, and the provider has forgotten the key since. */
export const FORGOTTEN: Failure = {
  status: "failed",
  isPermanent: true,
  isUnknown: true,
  reason: "The provider's answer got lost, and it is too late to ask again.",
};
/** An answer that says nothing of a mail. */
export const NO_OUTCOME: Failure = {
  status: "failed",
  isPermanent: false,
  isUnknown: true,
  reason: "The transport gave no outcome.",
};

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
  /** The provider's own name for it. */
  readonly providerId: string | null;
  /** It stays known by the key that it was asked for under. */
  readonly keepsKey: boolean;
  /** It is not out, and is not tried together with others any more. */
  readonly goesAlone: boolean;
}

interface Circumstances {
  readonly now: number;
  readonly keepsMail: boolean;
  /** Nothing is sent until a person has looked: what waits is not given up. */
  readonly isStopped: boolean;
}

/** What an error of the transport says of each mail of a batch. */
export function outcomeOfError(error: Error): Failure {
  const after = error instanceof MailUnavailableError ? error.retryAfterSeconds : undefined;
  return {
    status: "failed",
    isPermanent: false,
    reason: error.message,
    ...(isLost(error) && { isUnknown: true }),
    ...(after !== undefined && { retryAfterSeconds: after }),
  };
}

/**
 * What an answer says of a mail that may have been out before, under the same key: that it was not taken now says
 * nothing about then; but a provider that took it then answers so again, and refuses nothing of it.
 */
export function outcomeOfRepeat(outcome: MailOutcome): MailOutcome {
  const isOpen = outcome.status === "failed" && !outcome.isPermanent && outcome.isShared !== true;
  return isOpen ? { ...outcome, isUnknown: true } : outcome;
}

/** Whether mails may be out although the transport threw: what it doesn't know itself, nobody does. */
function isLost(error: Error): boolean {
  if (error instanceof MailUnavailableError) return error.isUnknown;
  return !(error instanceof MailStoppedError);
}

/**
 * What a try of a batch leaves behind. While the answer is unknown its mails stay together, under their key and due
 * at the same time: only all of them can be asked for again.
 * @param answers in the order of the mails
 */
export function endsOf(
  { mails, isKept }: InHand,
  answers: readonly MailOutcome[],
  circumstances: Circumstances,
): MailEnd[] {
  const lost = isKept ? answers.find(mayBeOut) : undefined;
  if (lost === undefined) {
    return mails.map((mail, index) => endOf(mail, answers[index] ?? NO_OUTCOME, circumstances));
  }
  const attempts = Math.max(...mails.map((mail) => mail.attempts));
  return mails.map((mail) => ({
    ...later(mail, lost, { ...circumstances, attempts }),
    keepsKey: true,
  }));
}

function mayBeOut(outcome: MailOutcome): outcome is Failure {
  return outcome.status === "failed" && !outcome.isPermanent && outcome.isUnknown === true;
}

/** What a try leaves behind: the end, or the time of the next one, ever later. */
export function endOf(mail: Outgoing, outcome: MailOutcome, given: Circumstances): MailEnd {
  const bulk = isBulk(mail.message);
  const isForgotten = bulk && !given.keepsMail;
  const done = { dueAt: 0, isBounce: false, isForgotten, providerId: null, goesAlone: false };
  const through = { mail, ...done };
  if (outcome.status === "sent") {
    const providerId = outcome.providerId ?? null;
    return { ...through, outcome, state: "sent", reason: null, providerId, keepsKey: true };
  }
  const reason = reasonOf(outcome);
  const keepsKey = outcome.isUnknown === true;
  if (outcome.isPermanent) {
    const isBounce = outcome.isBounce === true;
    const told = { ...outcome, reason };
    return { ...through, outcome: told, state: "failed", reason, isBounce, keepsKey };
  }
  const age = given.now - mail.createdAt;
  const isTried = !given.isStopped && mail.attempts >= MIN_TRIES;
  if (isTried && age > (bulk ? GIVE_UP_BULK_AFTER_MS : GIVE_UP_AFTER_MS)) {
    return { ...through, outcome: refused(reason), state: "failed", reason, keepsKey };
  }
  return later(mail, outcome, { ...given, attempts: mail.attempts });
}

function later(
  mail: Outgoing,
  outcome: Failure,
  { now, isStopped, attempts }: Circumstances & { readonly attempts: number },
): MailEnd {
  const asked = (outcome.retryAfterSeconds ?? 0) * 1_000;
  const own = RETRY_MS * 2 ** Math.min(attempts - 1, 10);
  const nextAt = now + Math.ceil(Math.min(Math.max(own, asked), MAX_RETRY_MS));
  // Ready to go once it is resumed; who asks again meanwhile asks ever later, so that a task's tries last.
  const dueAt = isStopped ? now + RETRY_MS : nextAt;
  const reason = reasonOf(outcome);
  const told = { ...outcome, reason, retryAfterSeconds: secondsUntil(nextAt, now) };
  const kept = { isBounce: false, isForgotten: false, providerId: null, keepsKey: false };
  const goesAlone = outcome.isShared === true;
  return { mail, outcome: told, state: "pending", dueAt, reason, ...kept, goesAlone };
}

/** What the provider said, and whether that leaves open what became of the mail. */
function reasonOf({ reason, isUnknown }: Failure): string {
  const said = reason.slice(0, MAX_REASON_LENGTH).toWellFormed();
  return isUnknown === true ? `${said} (It may be out.)` : said;
}

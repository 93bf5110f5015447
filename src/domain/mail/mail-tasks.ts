import { UNSUBSCRIBED_REASON } from "./outgoing.ts";
import { MailUnavailableError, RecipientRefusedError, type MailOutcome } from "./transport.ts";

/**
 * How a task that sends mail is tried again: after a database that can't be reached, since the mail is the
 * same in every run; after a mail that can't be sent just now, when the desk would try it again, for as long
 * as the desk does. So the task ends as its mail ended, whoever sent it. Not after a refusal for good, nor
 * after a mistake of our own.
 */
export const MAIL_OPTIONS = {
  autoretryFor: [Error],
  dontAutoretryFor: [RecipientRefusedError, TypeError, RangeError, ReferenceError, SyntaxError],
  retryBackoff: true,
  maxRetries: 100,
  timeLimitSeconds: 120,
} as const;

/** What a task that sends one mail ends with: `result`, or the error that says whether to try again. */
export function settleMail<Result>(
  outcome: MailOutcome | undefined,
  result: Result,
): PromiseSettledResult<Result> {
  if (outcome?.status === "sent") return { status: "fulfilled", value: result };
  const reason = outcome?.reason ?? "The transport gave no outcome.";
  return {
    status: "rejected",
    reason:
      outcome?.isPermanent === true
        ? new RecipientRefusedError(reason)
        : new MailUnavailableError(reason, { retryAfterSeconds: outcome?.retryAfterSeconds }),
  };
}

/** How mails to many went: who has it, and who will never get it. */
export interface MailCounts {
  readonly sent_count: number;
  readonly failed_count: number;
  readonly failed_emails: readonly string[];
  /** Those who unsubscribed, of bulk mail; absent: none. */
  readonly skipped_count?: number | undefined;
}

/**
 * What a task that sends mails to many ends with.
 * @param outcomes in the order of `recipients`
 * @throws MailUnavailableError while one of them may still get through: ask for all of them again
 */
export function countMails(
  recipients: readonly string[],
  outcomes: readonly MailOutcome[],
): MailCounts {
  const result = { sent: 0, skipped: 0, failed: [] as string[] };
  const waits: number[] = [];
  for (const [index, to] of recipients.entries()) {
    const outcome = outcomes[index];
    if (outcome?.status === "sent") result.sent += 1;
    else if (outcome?.isPermanent !== true) waits.push(outcome?.retryAfterSeconds ?? 0);
    else if (outcome.reason === UNSUBSCRIBED_REASON) result.skipped += 1;
    else result.failed.push(to);
  }
  if (waits.length > 0) {
    const message = `${waits.length} of ${recipients.length} mails could not be sent yet.`;
    throw new MailUnavailableError(message, { retryAfterSeconds: Math.max(...waits) });
  }
  return {
    sent_count: result.sent,
    failed_count: result.failed.length,
    failed_emails: result.failed,
    ...(result.skipped > 0 && { skipped_count: result.skipped }),
  };
}

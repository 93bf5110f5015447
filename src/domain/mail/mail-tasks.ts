import { MailUnavailableError, RecipientRefusedError, type MailOutcome } from "./transport.ts";

/**
 * How a task that sends mail is tried again: also after a database that can't be reached, since the mail is
 * the same in every run; not after a refusal for good.
 */
export const MAIL_OPTIONS = {
  autoretryFor: [Error],
  dontAutoretryFor: [RecipientRefusedError],
  retryBackoff: true,
  maxRetries: 8,
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
        : new MailUnavailableError(reason),
  };
}

import * as z from "zod";
import {
  MailStoppedError,
  MailUnavailableError,
  type MailMessage,
  type MailOutcome,
} from "#domain/mail";

/** What Resend said, as far as it can be read. */
export interface ResendAnswer {
  readonly status: number;
  /** Parsed; undefined: it was no JSON. */
  readonly body: unknown;
  /** Seconds; undefined: it named none. */
  readonly retryAfterSeconds: number | undefined;
}

const sentSchema = z.object({ id: z.string().min(1).max(200) });
const batchSchema = z.object({
  data: z.array(sentSchema),
  errors: z.array(z.object({ index: z.int().min(0), message: z.string() })).default([]),
});
const errorSchema = z.object({ name: z.string().default(""), message: z.string().default("") });

/** Names of errors after which no mail goes out until a person has looked: key, account, sender, address of the API. */
const STOPPING = new Set([
  "missing_api_key",
  "invalid_api_key",
  "restricted_api_key",
  "invalid_access",
  "monthly_quota_exceeded",
  "invalid_from_address",
  "security_error",
  "not_found",
  "method_not_allowed",
]);
const STOPPING_STATUSES = new Set([401, 402, 403, 404, 405]);
/** What is wrong with the request itself; asked for again it would be the same. */
const REFUSING_STATUSES = new Set([400, 413, 422]);
/** The sender's domain, in what is said of one mail of many. */
const UNVERIFIED = /domain is not verified|not a verified|only send testing emails/i;
/** The mailbox, not the mail. */
const NO_MAILBOX =
  /suppress|(mailbox|recipient|user|address) (does not|doesn't) exist|no such (user|mailbox)/i;

/**
 * What an answer says of each message, in their order.
 * @throws MailUnavailableError, MailStoppedError, see `MailTransport`
 */
export function outcomesOf(messages: readonly MailMessage[], answer: ResendAnswer): MailOutcome[] {
  if (answer.status >= 200 && answer.status < 300) return accepted(messages, answer);
  const { name, message } = errorSchema.safeParse(answer.body).data ?? { name: "", message: "" };
  const said = `Resend: ${[answer.status, name, message].filter((part) => part !== "").join(" ")}`;
  const { retryAfterSeconds } = answer;
  if (name === "invalid_idempotent_request") {
    // Another request went out under this key: what became of that one can't be asked any more.
    return messages.map(() => ({ ...failed(said, true), isUnknown: true }));
  }
  if (name === "concurrent_idempotent_requests") {
    throw new MailUnavailableError(said, { retryAfterSeconds, isUnknown: true });
  }
  if (STOPPING.has(name)) throw new MailStoppedError(said);
  if (answer.status === 429) throw new MailUnavailableError(said, { retryAfterSeconds });
  if (STOPPING_STATUSES.has(answer.status)) throw new MailStoppedError(said);
  // Without a name it is not Resend's: what stands in between says nothing of what was taken before.
  if (REFUSING_STATUSES.has(answer.status) && name !== "") {
    // Of one it is the fault of that one; of many nobody knows whose.
    if (messages.length === 1) return [refused(said, true)];
    return messages.map(() => ({ ...failed(said, false), isShared: true }));
  }
  throw new MailUnavailableError(said, { retryAfterSeconds, isUnknown: true });
}

function accepted(messages: readonly MailMessage[], { status, body }: ResendAnswer): MailOutcome[] {
  const outcomes = messages.length === 1 ? single(body) : batch(messages, body);
  if (outcomes !== null) return outcomes;
  throw new MailUnavailableError(`Resend: ${status} with an answer that makes no sense.`, {
    isUnknown: true,
  });
}

function single(body: unknown): MailOutcome[] | null {
  const { data } = sentSchema.safeParse(body);
  return data === undefined ? null : [{ status: "sent", providerId: data.id }];
}

/** Ids are those of the mails that were taken, in their order; errors name the others. */
function batch(messages: readonly MailMessage[], body: unknown): MailOutcome[] | null {
  const { data: answer } = batchSchema.safeParse(body);
  if (answer === undefined) return null;
  const errors = new Map(answer.errors.map(({ index, message }) => [index, message]));
  const isWhole =
    errors.size === answer.errors.length &&
    answer.data.length + errors.size === messages.length &&
    [...errors.keys()].every((index) => index < messages.length);
  if (!isWhole) return null;
  const unverified = [...errors.values()].find((message) => UNVERIFIED.test(message));
  if (unverified !== undefined && answer.data.length === 0) {
    throw new MailStoppedError(`Resend: ${unverified}`);
  }
  const ids = answer.data.values();
  return messages.map((_message, index): MailOutcome => {
    const error = errors.get(index);
    if (error !== undefined) return refused(`Resend: ${error}`, !UNVERIFIED.test(error));
    return { status: "sent", providerId: ids.next().value?.id ?? "" };
  });
}

function failed(reason: string, isPermanent: boolean) {
  return { status: "failed", isPermanent, reason } as const;
}

function refused(reason: string, isPermanent: boolean): MailOutcome {
  const isBounce = isPermanent && NO_MAILBOX.test(reason);
  return { ...failed(reason, isPermanent), ...(isBounce && { isBounce }) };
}

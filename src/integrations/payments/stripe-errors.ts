import { retryAfterSeconds, type Clock } from "#engine";
import { PaymentUnavailableError } from "#domain/payments";

/** What Stripe says of a request that it did not grant. Never shown whole: it may quote a part of the key. */
export interface StripeFailure {
  /** Null: there was no answer. */
  readonly status: number | null;
  /** Stripe's: `card_error`, `invalid_request_error`, `idempotency_error`, `api_error`. */
  readonly type: string;
  readonly code: string | null;
  readonly declineCode: string | null;
  readonly param: string | null;
  readonly message: string;
  /** True: the answer is that of an earlier request with the same idempotency key. */
  readonly isReplayed: boolean;
  readonly requestId: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

const MAX_REASON = 200;
const KEY = /\b[a-z]{2,5}_(test|live)_[\w*]+/g;
/** The charge is at an end, or at work: it has to be looked at. */
const STATE_CODES = new Set(["payment_intent_unexpected_state", "intent_invalid_state"]);

/** @throws what was thrown if it is not the SDK's */
export function failureOf(thrown: unknown): StripeFailure {
  if (!(thrown instanceof Error) || !("rawType" in thrown)) throw thrown;
  const fields: Readonly<Record<string, unknown>> = Object.fromEntries(Object.entries(thrown));
  const text = (name: string) => {
    const value = fields[name];
    return typeof value === "string" && value !== "" ? value : null;
  };
  const headers = (fields["headers"] ?? {}) as Readonly<Record<string, string>>;
  const status = fields["statusCode"];
  return {
    status: typeof status === "number" ? status : null,
    type: text("rawType") ?? text("type") ?? "error",
    code: text("code"),
    declineCode: text("decline_code"),
    param: text("param"),
    message: thrown.message,
    isReplayed: headers["idempotent-replayed"] === "true",
    requestId: text("requestId"),
    headers,
  };
}

/**
 * For whatever says nothing sure of the money: no answer, too many requests, an error of Stripe's, and a wrong
 * key or parameter too, which is ours to mend and no decline.
 */
export function unavailable(failure: StripeFailure, clock: Clock): PaymentUnavailableError {
  const { status, type, code, param, requestId, headers } = failure;
  const said = [type, code, param && `(${param})`, requestId].filter((part) => part !== null);
  const message =
    status === null
      ? "Stripe gave no answer that could be read."
      : `Stripe answered ${status}: ${withoutKeys(said.join(" "))}.`;
  const after = retryAfterSeconds(
    { get: (name) => headers[name.toLowerCase()] ?? null },
    clock.now(),
  );
  return new PaymentUnavailableError(message, after ?? undefined);
}

/**
 * Whether a key's stored answer is of no use: Stripe repeats an error of its own for a day, and refuses a key
 * that came with other parameters.
 */
export function isKeySpent({ status, type, isReplayed }: StripeFailure): boolean {
  return (isReplayed && status !== null && status >= 500) || type === "idempotency_error";
}

/** Whether the card, or what else was to be charged, was refused. */
export function isDecline({ status, type, code, param }: StripeFailure): boolean {
  if (status === 402 || type === "card_error") return true;
  const isOfMethod = param === "payment_method" || code?.startsWith("payment_method_") === true;
  return (status === 400 || status === 404) && isOfMethod;
}

/** Whether there is no such thing in this account, or in this mode of it. */
export function isUnknown({ status, code }: StripeFailure): boolean {
  return status === 404 && code === "resource_missing";
}

export function isWrongState({ code }: StripeFailure): boolean {
  return code !== null && STATE_CODES.has(code);
}

/** Why money was refused, for the shop's people: short. */
export function reasonOf({
  message,
  code,
  declineCode,
}: Pick<StripeFailure, "message" | "code" | "declineCode">): string {
  const text = withoutKeys(message).slice(0, MAX_REASON) || "Refused.";
  const sign = declineCode ?? code;
  return sign === null ? text : `${text} (${sign})`;
}

function withoutKeys(text: string): string {
  return text.replaceAll(KEY, "…");
}

import type { Stripe } from "stripe";
import type { Clock } from "#engine";
import {
  PaymentUnavailableError,
  type Charge,
  type ChargeRequest,
  type PaymentGateway,
  type Refund,
  type RefundRequest,
} from "#domain/payments";
import {
  bookedCharge,
  chargeOf,
  decidedFirst,
  isUndecided,
  lastReason,
  METADATA,
} from "./stripe-charges.ts";
import { stripeClient, type StripeSettings } from "./stripe-client.ts";
import {
  failureOf,
  isDecline,
  isKeySpent,
  isUnknown,
  isWrongState,
  reasonOf,
  unavailable,
  type StripeFailure,
} from "./stripe-errors.ts";
import { readStripeEvent } from "./stripe-events.ts";

/** Milliseconds that one request may take: together less than the 30 s of a call of the port. */
const TIMEOUTS = {
  read: 6_000,
  open: 8_000,
  confirm: 15_000,
  cancel: 6_000,
  refund: 8_000,
  list: 20_000,
};
const EXPANDED = { expand: ["latest_charge"] };
const PAGE = 100;
/** Keys that are tried for one request, when Stripe has stored an error under the first. */
const KEYS = 3;

/**
 * Stripe, by payment intents of cards. An intent is created without a card, which takes nothing and depends on
 * nothing that may change, and confirmed by its id: the intent's own state keeps a second confirm from taking
 * the money again, however long ago the key was forgotten. An intent that was declined is cancelled, so that
 * it is at its end. Cards that ask for their holder (3-D Secure) are declined: nobody is there.
 */
export function createStripeGateway(settings: StripeSettings, clock: Clock): PaymentGateway {
  const calls = new StripeCalls(stripeClient(settings), clock);
  return {
    provider: "stripe",
    needsPaymentMethod: true,
    open: (request) => calls.open(request),
    async find(idempotencyKey) {
      const query = `metadata["${METADATA.key}"]:${JSON.stringify(idempotencyKey)}`;
      const { data } = await calls.ask((stripe) =>
        stripe.paymentIntents.search({ query, limit: PAGE }, { timeout: TIMEOUTS.read }),
      );
      // The search may take more for the same: an order's number in other letters is another order.
      return decidedFirst(data.filter(({ metadata }) => metadata[METADATA.key] === idempotencyKey));
    },
    charge: (reference, request) => calls.charge(reference, request),
    lookUp: (reference) => calls.lookUp(reference),
    cancel: (reference) => calls.cancel(reference, null),
    refund: (request) => calls.refund(request),
    async list({ from, until }, cursor) {
      // Stripe's times are whole seconds.
      const created = { gte: Math.ceil(from / 1_000), lt: Math.ceil(until / 1_000) };
      const { data, has_more: hasMore } = await calls.ask((stripe) =>
        stripe.paymentIntents.list(
          {
            ...{ created, limit: PAGE, expand: ["data.latest_charge"] },
            ...(cursor !== null && { starting_after: cursor }),
          },
          { timeout: TIMEOUTS.list },
        ),
      );
      return { charges: data.map(bookedCharge), next: hasMore ? (data.at(-1)?.id ?? null) : null };
    },
    readEvent: readStripeEvent,
  };
}

/** Requests to Stripe, with what their refusals mean. */
class StripeCalls {
  readonly #client: () => Promise<Stripe>;
  readonly #clock: Clock;

  constructor(client: () => Promise<Stripe>, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** @throws PaymentUnavailableError whatever went wrong */
  async ask<Answer>(request: (stripe: Stripe) => Promise<Answer>): Promise<Answer> {
    const answer = await this.#try(request);
    if ("failure" in answer) throw unavailable(answer.failure, this.#clock);
    return answer.value;
  }

  async open({ idempotencyKey, orderId, amountMinor, currency }: ChargeRequest): Promise<string> {
    const params = {
      amount: amountMinor,
      currency: currency.toLowerCase(),
      capture_method: "automatic" as const,
      payment_method_types: ["card"],
      description: `Order #${orderId}`,
      metadata: { [METADATA.order]: orderId, [METADATA.key]: idempotencyKey },
    };
    // A second key may open a second intent: only the one that is stored is ever confirmed.
    const made = await this.#underKey(idempotencyKey, (stripe, key) =>
      stripe.paymentIntents.create(params, { idempotencyKey: key, timeout: TIMEOUTS.open }),
    );
    if ("failure" in made) throw unavailable(made.failure, this.#clock);
    return made.value.id;
  }

  async charge(reference: string, { paymentMethod }: ChargeRequest): Promise<Charge> {
    if (paymentMethod === null) return this.cancel(reference, "The order names no payment method.");
    const params = { payment_method: paymentMethod, error_on_requires_action: true, ...EXPANDED };
    const confirmed = await this.#try((stripe) =>
      stripe.paymentIntents.confirm(reference, params, { timeout: TIMEOUTS.confirm }),
    );
    if ("failure" in confirmed) return this.#refusedCharge(reference, confirmed.failure);
    const charge = chargeOf(confirmed.value);
    if (charge !== null) return charge;
    if (isUndecided(confirmed.value)) throw undecided();
    return this.cancel(reference, lastReason(confirmed.value) ?? NEEDS_HOLDER);
  }

  /** @param reason why it is declined; null: what Stripe says of it */
  async cancel(reference: string, reason: string | null): Promise<Charge> {
    const cancelled = await this.#try((stripe) =>
      stripe.paymentIntents.cancel(reference, EXPANDED, { timeout: TIMEOUTS.cancel }),
    );
    if ("failure" in cancelled) {
      if (!isWrongState(cancelled.failure)) throw unavailable(cancelled.failure, this.#clock);
      return this.#settled(reference, reason);
    }
    return withReason(chargeOf(cancelled.value), reason);
  }

  /** Null also for an intent that is not this account's: one of the test mode, after it went live. */
  async lookUp(reference: string): Promise<Charge | null> {
    const found = await this.#try((stripe) =>
      stripe.paymentIntents.retrieve(reference, EXPANDED, { timeout: TIMEOUTS.read }),
    );
    if (!("failure" in found)) return chargeOf(found.value);
    if (isUnknown(found.failure)) return null;
    throw unavailable(found.failure, this.#clock);
  }

  async refund({ idempotencyKey, reference, amountMinor }: RefundRequest): Promise<Refund> {
    const params = {
      ...{ payment_intent: reference, amount: amountMinor },
      reason: "requested_by_customer" as const,
    };
    // A second key gives nothing back twice: what is asked for is all that is left of the charge.
    const made = await this.#underKey(idempotencyKey, (stripe, key) =>
      stripe.refunds.create(params, { idempotencyKey: key, timeout: TIMEOUTS.refund }),
    );
    if ("failure" in made) return this.#refusedRefund(made.failure);
    const { status, failure_reason: reason } = made.value;
    // Pending: Stripe gives it back by itself, at the latest when the account has money again.
    if (status === "succeeded" || status === "pending") return { status: "refunded" };
    if (status === "failed" || status === "canceled") {
      return {
        status: "refused",
        reason: `The refund is ${status}${reason ? `: ${reason}` : ""}.`,
      };
    }
    throw new PaymentUnavailableError(`Stripe's refund is ${status}.`);
  }

  async #refusedCharge(reference: string, failure: StripeFailure): Promise<Charge> {
    if (isDecline(failure)) return this.cancel(reference, reasonOf(failure));
    if (isWrongState(failure)) return this.#settled(reference, null);
    throw unavailable(failure, this.#clock);
  }

  #refusedRefund(failure: StripeFailure): Refund {
    const { status, code, param } = failure;
    if (code === "charge_already_refunded") return { status: "refunded" };
    const isRefused = code !== null && REFUND_REFUSALS.has(code);
    if (isRefused || (status === 400 && param === "amount") || status === 402) {
      return { status: "refused", reason: reasonOf(failure) };
    }
    throw unavailable(failure, this.#clock);
  }

  /** What became of an intent that is past being confirmed or cancelled. */
  async #settled(reference: string, reason: string | null): Promise<Charge> {
    return withReason(await this.lookUp(reference), reason);
  }

  /** The same under other keys, while Stripe has stored an error of its own under them. */
  async #underKey<Answer>(
    key: string,
    request: (stripe: Stripe, key: string) => Promise<Answer>,
  ): Promise<Tried<Answer>> {
    let answer = await this.#try((stripe) => request(stripe, key));
    for (let count = 2; count <= KEYS; count += 1) {
      if (!("failure" in answer) || !isKeySpent(answer.failure)) break;
      answer = await this.#try((stripe) => request(stripe, `${key}:${count}`));
    }
    return answer;
  }

  async #try<Answer>(request: (stripe: Stripe) => Promise<Answer>): Promise<Tried<Answer>> {
    const stripe = await this.#client();
    try {
      return { value: await request(stripe) };
    } catch (thrown) {
      return { failure: failureOf(thrown) };
    }
  }
}

type Tried<Answer> = { readonly value: Answer } | { readonly failure: StripeFailure };

const NEEDS_HOLDER = "The card asks for its holder. (authentication_required)";
const REFUND_REFUSALS = new Set([
  "charge_disputed",
  "refund_disputed_payment",
  "balance_insufficient",
  "insufficient_funds",
]);

function undecided(): PaymentUnavailableError {
  return new PaymentUnavailableError("Stripe has not decided on the charge yet.");
}

function withReason(charge: Charge | null, reason: string | null): Charge {
  if (charge === null) throw undecided();
  return charge.status === "declined" && reason !== null ? { ...charge, reason } : charge;
}

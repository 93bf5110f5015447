/** A charge as a gateway is asked for it. */
export interface ChargeRequest {
  /** Made from the order: a repeated charge with the same key is the same charge. */
  readonly idempotencyKey: string;
  readonly orderId: string;
  /** Minor units. */
  readonly amountMinor: number;
  /** ISO 4217. */
  readonly currency: string;
}

/** What a gateway says of a charge. Whether it was captured or declined is final for its key. */
export type Charge =
  | {
      readonly status: "captured";
      readonly reference: string;
      /** What was taken, minor units. */
      readonly amountMinor: number;
      /** What of it was given back since, minor units. */
      readonly refundedMinor: number;
    }
  | { readonly status: "declined"; readonly reason: string };

/** A refund as a gateway is asked for it. */
export interface RefundRequest {
  /** A repeated refund with the same key is the same refund. */
  readonly idempotencyKey: string;
  /** The charge's. */
  readonly reference: string;
  /** Minor units: what is to go back. */
  readonly amountMinor: number;
  /** ISO 4217. */
  readonly currency: string;
}

/** What a gateway says of a refund; both are final for their key. */
export type Refund =
  | { readonly status: "refunded" }
  | { readonly status: "refused"; readonly reason: string };

/** What a gateway tells by itself, by its webhook: a hint to ask it, no more. */
export interface PaymentEvent {
  /** The same event told again has the same one. */
  readonly id: string;
  readonly type: "payment.captured" | "payment.declined" | "payment.refunded";
  readonly orderId: string;
  /** Minor units: what the charge was for, or how much of it went back. */
  readonly amountMinor: number;
  /** ISO 4217. */
  readonly currency: string;
  /** Epoch ms, by the gateway's clock. */
  readonly createdAt: number;
}

/**
 * The payment provider. Every call answers or throws within 30 seconds: a task that runs into its time
 * limit is not tried again.
 */
export interface PaymentGateway {
  /** Its name, as it is stored with the payment. */
  readonly provider: string;
  /**
   * Charges and captures.
   * @throws PaymentUnavailableError when no answer came: the charge may have happened or not
   */
  charge(request: ChargeRequest): Promise<Charge>;
  /**
   * What became of a charge's key, with the refunds of it; null: nothing was charged under it. Throws like
   * `charge`.
   */
  lookUp(idempotencyKey: string): Promise<Charge | null>;
  /** Gives money of a charge back. Throws like `charge`. */
  refund(request: RefundRequest): Promise<Refund>;
  /**
   * The event in the body of a webhook, JSON that was verified to be the gateway's; null: one that is of no
   * concern.
   * @throws PaymentEventError
   */
  readEvent(body: unknown): PaymentEvent | null;
}

/** The gateway gave no answer that could be relied on: the outcome is unknown until it is asked. */
export class PaymentUnavailableError extends Error {
  override readonly name = "PaymentUnavailableError";
}

/** An event of the gateway that doesn't look like one. */
export class PaymentEventError extends Error {
  override readonly name = "PaymentEventError";
}

/**
 * The payment was begun with another provider, and what became of it there is not known. Charging here
 * could take the money twice, so a person has to look.
 */
export class PaymentProviderChangedError extends Error {
  override readonly name = "PaymentProviderChangedError";

  constructor(begunWith: string, now: string) {
    super(`The payment was begun with '${begunWith}'; the provider is '${now}' now.`);
  }
}

/** The gateway took another amount than the order's: a person has to look. */
export class PaymentAmountError extends Error {
  override readonly name = "PaymentAmountError";

  constructor(orderId: string, taken: number, due: number) {
    super(`${taken} was taken for order #${orderId} instead of ${due}.`);
  }
}

/** The gateway refused the charge for good. */
export class PaymentDeclinedError extends Error {
  override readonly name = "PaymentDeclinedError";
}

/** The gateway refused the refund for good: a person has to look, and may ask for another. */
export class RefundRefusedError extends Error {
  override readonly name = "RefundRefusedError";
}

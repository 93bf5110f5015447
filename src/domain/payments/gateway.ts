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

/** What a gateway says of a charge; both are final for their key. */
export type Charge =
  | {
      readonly status: "captured";
      readonly reference: string;
      /** What was taken, minor units. */
      readonly amountMinor: number;
    }
  | { readonly status: "declined"; readonly reason: string };

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
  /** What became of a key; null: nothing was charged under it. Throws like `charge`. */
  lookUp(idempotencyKey: string): Promise<Charge | null>;
}

/** The gateway gave no answer that could be relied on: the outcome is unknown until it is asked. */
export class PaymentUnavailableError extends Error {
  override readonly name = "PaymentUnavailableError";
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

/** A charge as a gateway is asked for it. */
export interface ChargeRequest {
  /** Made from the order: a repeated charge with the same key is the same charge. */
  readonly idempotencyKey: string;
  readonly orderId: string;
  /** Minor units. */
  readonly amountMinor: number;
  /** ISO 4217. */
  readonly currency: string;
  /** What is charged, by the gateway's own name for it; null: the gateway doesn't need it. */
  readonly paymentMethod: string | null;
}

/** What a gateway says of a charge. Whether it was captured or declined is final. */
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

/** What a gateway tells that only a person can deal with: no state of the shop's changes by it. */
export interface PaymentNotice {
  /** The same notice told again has the same one. */
  readonly id: string;
  readonly type: "payment.disputed" | "payment.refund_failed";
  /** The charge's. */
  readonly reference: string;
  /** Minor units: what is disputed, or did not go back. */
  readonly amountMinor: number;
  /** ISO 4217. */
  readonly currency: string;
  /** In the gateway's words. */
  readonly reason: string;
}

/** A charge as the gateway's own book has it, whatever the shop thinks. */
export interface BookedCharge {
  readonly reference: string;
  /** As it was opened with; null: none of ours. */
  readonly idempotencyKey: string | null;
  readonly orderId: string | null;
  /** `open`: nothing was taken, and may still be. */
  readonly status: "open" | "captured" | "declined";
  /** Minor units: what it is for, or what was taken; and what of it went back. */
  readonly amountMinor: number;
  readonly refundedMinor: number;
  /** ISO 4217. */
  readonly currency: string;
  /** Epoch ms, by the gateway's clock. */
  readonly createdAt: number;
}

/**
 * The payment provider. A charge is opened first, which takes no money, and charged by the reference that was
 * stored then: so that it is taken once however long ago its key was forgotten. Every call answers or throws
 * within 30 seconds: a task that runs into its time limit is not tried again.
 */
export interface PaymentGateway {
  /** Its name, as it is stored with the payment. */
  readonly provider: string;
  /** True: an order has to say what is charged. */
  readonly needsPaymentMethod: boolean;
  /**
   * Opens a charge; nothing is taken. The same key is the same charge while the gateway knows it.
   * @returns its reference
   * @throws PaymentUnavailableError
   */
  open(request: ChargeRequest): Promise<string>;
  /**
   * The reference of a charge that was opened under this key, however long ago; null: there is none that the
   * gateway knows of, though one of the last minute may be missed. Throws like `open`.
   */
  find(idempotencyKey: string): Promise<string | null>;
  /**
   * Takes the money of an open charge; of one that was captured or declined before it says so. After a decline
   * it can't be captured any more.
   * @throws PaymentUnavailableError when no answer came: it may have happened or not
   */
  charge(reference: string, request: ChargeRequest): Promise<Charge>;
  /**
   * What became of a charge, with the refunds of it; null: nothing was taken yet, or the gateway knows of no such
   * charge. Throws like `charge`.
   */
  lookUp(reference: string): Promise<Charge | null>;
  /**
   * Makes sure that an open charge takes nothing any more: it is declined then. One that was captured stays so.
   * Throws like `charge`.
   */
  cancel(reference: string): Promise<Charge>;
  /** Gives money of a charge back. Throws like `charge`. */
  refund(request: RefundRequest): Promise<Refund>;
  /**
   * The charges that were opened in a time, in any order, page by page. Throws like `open`.
   * @param cursor null: the first page; else what the page before named
   */
  list(
    time: { readonly from: number; readonly until: number },
    cursor: string | null,
  ): Promise<{ readonly charges: readonly BookedCharge[]; readonly next: string | null }>;
  /**
   * The event in the body of a webhook, JSON that was verified to be the gateway's; null: one that is of no
   * concern.
   * @throws PaymentEventError
   */
  readEvent(body: unknown): PaymentEvent | PaymentNotice | null;
}

/** The gateway gave no answer that could be relied on: the outcome is unknown until it is asked. */
export class PaymentUnavailableError extends Error {
  override readonly name = "PaymentUnavailableError";
  /** When the gateway wants to be asked again; absent: it did not say. */
  declare readonly retryAfterSeconds?: number;

  constructor(message: string, retryAfterSeconds?: number) {
    super(message);
    if (retryAfterSeconds !== undefined) this.retryAfterSeconds = retryAfterSeconds;
  }
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

import type { Order } from "../orders/index.ts";
import type { BookedCharge, Charge } from "./gateway.ts";
import { chargeKeyOf, mayBeCaptured, type Payment } from "./payment-book.ts";

/**
 * How the shop and the gateway's book differ over a charge.
 * - `captured_only_there`: the gateway took money that the shop doesn't know of.
 * - `captured_only_here`: the shop has money that the gateway doesn't know of.
 * - `captured_twice`: the order has another charge that was captured, and this one too.
 * - `other_amount`, `other_currency`: not what the order costs.
 * - `refunded_only_there`, `refunded_only_here`: the money is back, says one of them.
 * - `partly_refunded`: a part of it is back; the shop knows no such refunds.
 * - `unknown_order`: a charge of ours, of an order that is not here.
 * - `unknown_outcome`: begun long ago, and nobody knows what became of it.
 * - `paid_without_payment`: the order counts as paid, its payment doesn't.
 * - `never_charged`: the order waits for more than a day, and nobody began its payment: its task is gone.
 */
export type DifferenceKind =
  | "captured_only_there"
  | "captured_only_here"
  | "captured_twice"
  | "other_amount"
  | "other_currency"
  | "refunded_only_there"
  | "refunded_only_here"
  | "partly_refunded"
  | "unknown_order"
  | "unknown_outcome"
  | "paid_without_payment"
  | "never_charged";

/** A charge as far as it is compared. */
export interface ChargeFacts {
  readonly reference: string;
  /** Null: not known. */
  readonly idempotencyKey: string | null;
  readonly isCaptured: boolean;
  /** Minor units: what was taken, and what of it went back. */
  readonly takenMinor: number;
  readonly refundedMinor: number;
  /** ISO 4217; null: not known. */
  readonly currency: string | null;
}

/** What both sides say of an order and one charge. */
export interface Evidence {
  /** Null: the charge names none. */
  readonly orderId: string | null;
  readonly order: Order | null;
  readonly payment: Payment | null;
  /** Null: there is none to be compared. */
  readonly charge: ChargeFacts | null;
}

/** Where to look: an order, a charge, or both; with what the gateway's book says that it doesn't when asked. */
export interface Suspect {
  readonly orderId: string | null;
  readonly reference: string | null;
  readonly idempotencyKey: string | null;
  readonly currency: string | null;
}

/** A payment that changed so recently is in its task's hands. */
export const MOVING_MS = 15 * 60_000;
/** An order that waited longer for its payment to begin waits for nothing. */
export const WAITING_MS = 86_400_000;

const PAID = new Set(["paid", "shipped", "delivered"]);

/** @param until epoch ms: what changed since may still be under way */
export function isMoving({ payment }: Evidence, until: number): boolean {
  return payment !== null && payment.updatedAt >= until;
}

/**
 * The difference there is; null: none.
 * @param until as for `isMoving`
 */
export function kindOf(evidence: Evidence, until: number): DifferenceKind | null {
  const { payment, charge } = evidence;
  const rest = () => kindOfOrder(evidence, until);
  if (charge?.isCaptured === true) return kindOfCaptured(evidence, charge, rest);
  // An older charge, which was declined or never charged.
  if (charge !== null && !isChargeOf(charge, payment)) return null;
  return holdsMoney(payment) ? "captured_only_here" : rest();
}

function kindOfCaptured(
  { order, payment }: Evidence,
  charge: ChargeFacts,
  rest: () => DifferenceKind | null,
): DifferenceKind | null {
  const isBack = charge.refundedMinor >= charge.takenMinor;
  if (order === null) return isBack ? null : "unknown_order";
  if (payment === null || !isChargeOf(charge, payment)) {
    if (isBack) return rest();
    return holdsMoney(payment) ? "captured_twice" : "captured_only_there";
  }
  if (charge.currency !== null && charge.currency !== order.currency) return "other_currency";
  if (charge.takenMinor !== order.amountMinor) return "other_amount";
  switch (payment.state) {
    case "charging":
      return "captured_only_there";
    case "declined":
    case "voided":
      return isBack ? rest() : "captured_only_there";
    case "captured":
      if (isBack) return "refunded_only_there";
      return charge.refundedMinor > 0 ? "partly_refunded" : rest();
    case "refunding":
      return rest();
    case "refunded":
      return isBack ? rest() : "refunded_only_here";
  }
}

function kindOfOrder(evidence: Evidence, until: number): DifferenceKind | null {
  const { order, payment } = evidence;
  const isPaid = payment?.state === "captured" || payment?.state === "refunding";
  if (order !== null && PAID.has(order.state) && !isPaid) return "paid_without_payment";
  if (order?.state === "pending" && payment === null) {
    return order.createdAt < until - WAITING_MS ? "never_charged" : null;
  }
  const isUnsettled = payment?.state === "charging" || payment?.state === "refunding";
  return isUnsettled && !isMoving(evidence, until) ? "unknown_outcome" : null;
}

/** Whether what the gateway says settles it surely: the rest is for a person. */
export function isMendable(kind: DifferenceKind, { order, payment, charge }: Evidence): boolean {
  if (kind === "refunded_only_there" || kind === "unknown_outcome") return true;
  if (kind !== "captured_only_there" || order === null || payment === null) return false;
  return mayBeCaptured(payment, order) && charge !== null && isChargeOf(charge, payment);
}

/** Whether a charge is the one that the payment is about. */
export function isChargeOf(
  { reference, idempotencyKey }: ChargeFacts,
  payment: Payment | null,
): boolean {
  if (payment === null) return false;
  if (payment.reference !== null) return payment.reference === reference;
  return idempotencyKey !== null && idempotencyKey === chargeKeyOf(payment);
}

function holdsMoney(payment: Payment | null): boolean {
  return ["captured", "refunding", "refunded"].includes(payment?.state ?? "");
}

/** A charge of the gateway's own book. */
export function bookedFacts(booked: BookedCharge): ChargeFacts {
  const { reference, idempotencyKey, status, amountMinor, refundedMinor, currency } = booked;
  const isCaptured = status === "captured";
  const figures = { takenMinor: isCaptured ? amountMinor : 0, refundedMinor };
  return { reference, idempotencyKey, isCaptured, ...figures, currency };
}

/** What the gateway answers when it is asked for a suspect's charge; null: it has taken nothing. */
export function answeredFacts(
  reference: string,
  { idempotencyKey, currency }: Suspect,
  answer: Charge | null,
): ChargeFacts {
  const isCaptured = answer?.status === "captured";
  return {
    ...{ reference, idempotencyKey, isCaptured, currency },
    takenMinor: isCaptured ? answer.amountMinor : 0,
    refundedMinor: isCaptured ? answer.refundedMinor : 0,
  };
}

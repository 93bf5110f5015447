import { expect, it } from "vitest";
import {
  planChange,
  wasDone,
  type OrderRequest,
} from "../../../src/domain/checkout/order-changes.ts";
import { ORDER_STATES } from "../../../src/domain/orders/states.ts";
import type { PaymentState } from "../../../src/domain/payments/tables.ts";

const PAYMENTS: readonly (PaymentState | null)[] = [
  ...[null, "charging", "captured", "declined", "refunding", "refunded", "voided"],
] as const;

/** The order states in which a request is granted, with what it comes to. */
function granted(request: OrderRequest, payment: PaymentState | null) {
  return Object.fromEntries(
    ORDER_STATES.flatMap((state) => {
      const plan = planChange(request, { state }, payment && { state: payment });
      return plan === null ? [] : [[state, `${plan.event}${plan.refunds ? " and refund" : ""}`]];
    }),
  );
}

it.each(PAYMENTS)(
  "with its payment %s an order is shipped and delivered in its turn",
  (payment) => {
    expect(granted("ship", payment)).toEqual({ paid: "ship" });
    expect(granted("deliver", payment)).toEqual({ shipped: "deliver" });
  },
);

it.each(PAYMENTS)("with its payment %s an order is cancelled until it is shipped", (payment) => {
  const mayBeCharged = payment === "charging" || payment === "captured";
  const end = mayBeCharged ? "cancel and refund" : "cancel";
  expect(granted("cancel", payment)).toEqual({ pending: end, paid: end, payment_failed: end });
});

it("only what was captured is refunded, and an order that waits for shipping is cancelled by it", () => {
  for (const payment of PAYMENTS.filter((state) => state !== "captured")) {
    expect(granted("refund", payment)).toEqual({});
  }
  expect(granted("refund", "captured")).toMatchObject({
    paid: "cancel and refund",
    shipped: "null and refund",
    delivered: "null and refund",
    cancelled: "null and refund",
  });
});

it("what was granted once is known again in every later state", () => {
  const times = { shippedAt: 1, deliveredAt: 2, cancelledAt: null, refundedAt: 3 };
  const order = { state: "refunded", ...times } as const;
  expect(wasDone("ship", order, null)).toBe(true);
  expect(wasDone("deliver", order, null)).toBe(true);
  expect(wasDone("cancel", order, null)).toBe(false);
  expect(PAYMENTS.filter((state) => wasDone("refund", order, state && { state }))).toEqual([
    "refunding",
    "refunded",
  ]);
});

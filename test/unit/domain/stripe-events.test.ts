import { expect, it } from "vitest";
import { readStripeEvent } from "../../../src/integrations/payments/stripe-events.ts";

const INTENT = {
  ...{ id: "pi_1", object: "payment_intent", amount: 15_000, amount_received: 15_000 },
  ...{ currency: "usd", metadata: { order_id: "123", order_key: "order:123:0" } },
};

it.each([
  ["payment_intent.succeeded", "payment.captured"],
  ["payment_intent.payment_failed", "payment.declined"],
  ["payment_intent.canceled", "payment.declined"],
])("%s says of an order that it is %s", (type, read) => {
  expect(readStripeEvent(event(type, INTENT))).toEqual({
    ...{ id: "evt_1", type: read, orderId: "123", amountMinor: 15_000, currency: "USD" },
    createdAt: 1_900_000_000_000,
  });
});

it("a refund says how much went back so far", () => {
  const charge = { ...INTENT, object: "charge", amount_refunded: 5_000 };
  expect(readStripeEvent(event("charge.refunded", charge))).toMatchObject({
    ...{ type: "payment.refunded", orderId: "123", amountMinor: 5_000 },
  });
});

it.each([
  ["charge.dispute.created", "payment.disputed", { reason: "fraudulent" }, "fraudulent"],
  [
    "refund.failed",
    "payment.refund_failed",
    { failure_reason: "lost_or_stolen_card" },
    "lost_or_stolen_card",
  ],
])("%s is for a person: %s", (type, read, over, reason) => {
  const object = { ...{ amount: 15_000, currency: "usd", payment_intent: "pi_1" }, ...over };
  expect(readStripeEvent(event(type, object))).toEqual({
    ...{ id: "evt_1", type: read, reference: "pi_1", amountMinor: 15_000, currency: "USD", reason },
  });
});

it.each(["customer.created", "payment_intent.created", "constructor", "__proto__"])(
  "%s is of no concern",
  (type) => {
    expect(readStripeEvent(event(type, {}))).toBeNull();
  },
);

it.each([{}, { order_id: "123" }])(
  "a payment that is none of the shop's is of no concern: %j",
  (metadata) => {
    const read = readStripeEvent(event("payment_intent.succeeded", { ...INTENT, metadata }));
    expect(read).toBeNull();
  },
);

it.each([
  ["without a type", { id: "evt_1" }, "type"],
  [
    "without an object",
    { type: "payment_intent.succeeded", id: "evt_1", created: 1, data: {} },
    "data.object",
  ],
  [
    "of half a cent",
    event("payment_intent.succeeded", { ...INTENT, amount: 1.5 }),
    "data.object.amount",
  ],
  [
    "of no known currency",
    event("payment_intent.succeeded", { ...INTENT, currency: "USDX" }),
    "data.object.currency",
  ],
  ["of another object", event("payment_intent.succeeded", { object: "dog" }), "data.object"],
  ["that is null", null, ""],
])("an event %s is refused, naming the field", (_what, body, field) => {
  expect(() => readStripeEvent(body)).toThrow(
    expect.objectContaining({
      name: "PaymentEventError",
      message: expect.stringContaining(field) as string,
    }),
  );
});

function event(type: string, object: unknown) {
  return { id: "evt_1", object: "event", type, created: 1_900_000_000, data: { object } };
}

import { expect, it } from "vitest";
import {
  ORDER_EVENTS,
  ORDER_STATES,
  orderTransition,
  statesBefore,
} from "../../../src/domain/orders/states.ts";

it("every state answers every event: the whole table", () => {
  const table = ORDER_STATES.map((state) => [
    state,
    ...ORDER_EVENTS.map((event) => orderTransition(state, event)),
  ]);
  expect([["", ...ORDER_EVENTS], ...table]).toEqual([
    ["", "pay", "decline", "ship", "deliver", "cancel", "refund"],
    ["pending", "paid", "payment_failed", null, null, "cancelled", null],
    ["paid", null, null, "shipped", null, "cancelled", "refunded"],
    ["payment_failed", "paid", null, null, null, "cancelled", null],
    ["shipped", null, null, null, "delivered", null, "refunded"],
    ["delivered", null, null, null, null, null, "refunded"],
    ["cancelled", null, null, null, null, null, "refunded"],
    ["refunded", null, null, null, null, null, null],
  ]);
});

it("an order that was paid is never pending or declined again", () => {
  expect(statesBefore("pay")).toEqual(["pending", "payment_failed"]);
  expect(statesBefore("decline")).toEqual(["pending"]);
});

it("an event leads to one state, wherever it comes from", () => {
  for (const event of ORDER_EVENTS) {
    const after = statesBefore(event).map((state) => orderTransition(state, event));
    expect(new Set(after).size).toBe(1);
  }
});

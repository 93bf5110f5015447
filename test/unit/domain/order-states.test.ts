import { expect, it } from "vitest";
import { ORDER_STATES, orderTransition, statesBefore } from "../../../src/domain/orders/states.ts";

it("every state answers every event: the whole table", () => {
  const table = ORDER_STATES.map((state) => [
    state,
    orderTransition(state, "pay"),
    orderTransition(state, "decline"),
  ]);
  expect(table).toEqual([
    ["pending", "paid", "payment_failed"],
    ["paid", null, null],
    ["payment_failed", "paid", null],
  ]);
});

it("a paid order never changes again", () => {
  expect(statesBefore("pay")).not.toContain("paid");
  expect(statesBefore("decline")).not.toContain("paid");
});

it("an event leads to one state, wherever it comes from", () => {
  for (const event of ["pay", "decline"] as const) {
    const after = statesBefore(event).map((state) => orderTransition(state, event));
    expect(new Set(after).size).toBe(1);
  }
});

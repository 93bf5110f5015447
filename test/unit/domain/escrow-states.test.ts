import { expect, it } from "vitest";
import {
  ACTIVE_STATES,
  MAY,
  MILESTONE_EVENTS,
  MILESTONE_STATES,
  milestoneTransition,
  TRANSACTION_EVENTS,
  TRANSACTION_STATES,
  transactionTransition,
} from "../../../src/domain/escrow/states.ts";
import {
  VERIFICATION_STATUSES,
  verificationTransition,
} from "../../../src/domain/escrow/verification-states.ts";

it("a transaction's states answer every event: the whole table", () => {
  const table = TRANSACTION_STATES.map((state) => [
    state,
    ...TRANSACTION_EVENTS.map((event) => transactionTransition(state, event)),
  ]);
  expect([["", ...TRANSACTION_EVENTS], ...table]).toEqual([
    ["", "fund", "start", "dispute", "cancel", "refund", "release"],
    ["pending_funding", "funded", null, null, "cancelled", null, null],
    ["funded", null, "in_progress", "disputed", null, "refunded", null],
    ["in_progress", null, null, "disputed", null, "refunded", null],
    ["disputed", null, null, null, null, "refunded", "completed"],
    ["cancelled", null, null, null, null, null, null],
    ["refunded", null, null, null, null, null, null],
    ["completed", null, null, null, null, null, null],
  ]);
});

it("a milestone's states answer every event: the whole table", () => {
  const table = MILESTONE_STATES.map((state) => [
    state,
    ...MILESTONE_EVENTS.map((event) => milestoneTransition(state, event)),
  ]);
  expect([["", ...MILESTONE_EVENTS], ...table]).toEqual([
    ["", "submit", "approve", "reject"],
    ["pending", "submitted", null, null],
    ["submitted", null, "released", "pending"],
    ["released", null, null, null],
    ["closed", null, null, null],
  ]);
});

it("who may do what: the whole table", () => {
  expect(MAY).toEqual({
    fund: ["shop"],
    start: ["seller"],
    dispute: ["buyer", "seller"],
    cancel: ["buyer", "seller", "shop"],
    refund: ["seller", "shop"],
    release: ["buyer", "shop"],
    submit: ["seller"],
    approve: ["buyer"],
    reject: ["buyer"],
  });
});

it("a transaction never goes back", () => {
  for (const [from, state] of TRANSACTION_STATES.entries()) {
    for (const event of TRANSACTION_EVENTS) {
      const to = transactionTransition(state, event);
      if (to !== null) expect(TRANSACTION_STATES.indexOf(to)).toBeGreaterThan(from);
    }
  }
});

it("active are the states that something may follow", () => {
  const open = TRANSACTION_STATES.filter((state) =>
    TRANSACTION_EVENTS.some((event) => transactionTransition(state, event) !== null),
  );
  expect(open).toEqual(ACTIVE_STATES);
});

it("a verification's statuses answer every event: the whole table", () => {
  const table = (["NONE", ...VERIFICATION_STATUSES] as const).map((status) => [
    status,
    ...(["submit", "verify", "reject"] as const).map((event) =>
      verificationTransition(status, event),
    ),
  ]);
  expect(table).toEqual([
    ["NONE", "PENDING", null, null],
    ["PENDING", null, "VERIFIED", "REJECTED"],
    ["VERIFIED", null, null, "REJECTED"],
    ["REJECTED", "PENDING", null, null],
  ]);
});

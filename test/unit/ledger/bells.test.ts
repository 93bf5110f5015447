import { expect, it } from "vitest";
import { Doorbells } from "#platform/ledger/bells.ts";

it("one bell is enough until it is answered", () => {
  const bells = new Doorbells();
  expect(bells.needsMore("q", 1, 0)).toBe(true);
  bells.rang("q", 0);
  expect(bells.needsMore("q", 1, 1)).toBe(false);
  expect(bells.needsMore("q", 2, 1)).toBe(true);
  expect(bells.needsMore("other", 1, 1)).toBe(true);
  bells.answered("q", 1);
  expect(bells.needsMore("q", 1, 2)).toBe(true);
});

it("a bell that was lost no longer counts after 15 seconds", () => {
  const bells = new Doorbells();
  bells.needsMore("q", 1, 0);
  bells.rang("q", 0);
  expect(bells.needsMore("q", 1, 14_999)).toBe(false);
  expect(bells.needsMore("q", 1, 15_000)).toBe(true);
});

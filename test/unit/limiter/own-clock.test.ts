import { expect, it } from "vitest";
import { byOwnClock } from "#platform/limiter/own-clock.ts";
import type { LimitAnswer } from "#platform/limiter/protocol.ts";

const answer: LimitAnswer = {
  now: 1_000_000,
  grants: [
    { key: "", places: 0, slots: [1_000_010, 1_000_060] },
    { key: "a", places: 1, slots: null },
  ],
  waits: [
    { resource: "a", retryAt: 1_000_500 },
    { resource: "", retryAt: null },
  ],
  isContended: false,
};

it("what is granted stays as it is while the two clocks may agree", () => {
  expect(byOwnClock(answer, 999_990, 1_000_020)).toBe(answer);
});

it("is moved by as much as a clock that is ahead is ahead for certain", () => {
  const { now, grants, waits } = byOwnClock(answer, 1_600_000, 1_600_020);
  expect(now).toBe(1_600_000);
  expect(grants.map(({ slots }) => slots)).toEqual([[1_600_010, 1_600_060], null]);
  expect(waits.map(({ retryAt }) => retryAt)).toEqual([1_600_500, null]);
});

it("and so for a clock that is behind", () => {
  const { grants } = byOwnClock(answer, 400_000, 400_020);
  expect(grants[0]?.slots).toEqual([400_030, 400_080]);
});

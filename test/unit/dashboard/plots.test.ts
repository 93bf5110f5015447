import { expect, it } from "vitest";
import {
  durationScale,
  elapsedScale,
  linearScale,
  shareScale,
} from "../../../src/delivery/dashboard/plots/index.ts";

it.each([0, 0.3, 1, 7, 99, 2_082, 1_000_000])(
  "a scale up to %d has few round marks and room",
  (max) => {
    const { ticks, place } = linearScale(max, String);
    expect(ticks.length).toBeGreaterThanOrEqual(2);
    expect(ticks.length).toBeLessThanOrEqual(6);
    expect(ticks[0]?.at).toBe(0);
    expect(ticks.at(-1)?.at).toBeGreaterThanOrEqual(max);
    expect(place(max)).toBeLessThanOrEqual(1);
  },
);

it("a success rate near one is seen against a bottom near it", () => {
  expect(shareScale(0.9971).place(0.9971)).toBeLessThan(0.8);
  expect(shareScale(0.2).ticks[0]?.at).toBe(0);
});

it("durations from milliseconds to days are apart from each other", () => {
  const { place } = durationScale(86_400_000);
  const places = [1, 100, 10_000, 3_600_000, 86_400_000].map(place);
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  expect(places.at(-1)).toBe(1);
});

it.each([1, 46, 5_000, 90_000, 86_400_000 * 30])(
  "a life of %d ms has at most seven marks",
  (ms) => {
    expect(elapsedScale(ms).ticks.length).toBeLessThanOrEqual(8);
  },
);

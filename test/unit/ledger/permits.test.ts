import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { NO_LIMITS, parseRate } from "#engine";
import { Permits } from "#platform/ledger/limits/permits.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function heapBytes(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

const perKey = { rate: parseRate("rateLimit", "5/s"), concurrency: null };
const limits = { ...NO_LIMITS, perKey };

it.each(["used", "never used"])("starts of keys that were %s leave nothing behind", (how) => {
  const permits = new Permits();
  const before = heapBytes();
  for (let n = 0; n < 30_000; n += 1) {
    const key = `customer ${"x".repeat(30)} ${n}`;
    permits.add("task", [{ key, places: 0, slots: [n] }], limits, n);
    if (how === "used") permits.use(`task\n${key}`);
  }
  expect(permits.starts("task\nother", limits, 40_000)).toBe(0);
  expect(heapBytes() - before).toBeLessThan(1_000_000);
});

it("a place that runs since before the object is given back when it is free, not used again", () => {
  const permits = new Permits();
  const single = { ...NO_LIMITS, concurrency: 1 };
  permits.recall("task");
  expect(permits.places("task", "")).toBe(1);
  expect(permits.available("task", single, () => new Set(), 0)).toBe(0);
});

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { whileLetIn } from "../../../src/delivery/api/callers/let-in.ts";

const HOUR_MS = 3_600_000;
/** D1 answers one invocation of a Worker so often. */
const MAX_QUERIES = 1_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});

afterEach(() => {
  vi.useRealTimers();
});

it("what goes on ends before nobody can tell any more whether its caller may follow it", async () => {
  let asked = 0;
  let isOver = false;
  const isStillLetIn = async () => {
    asked += 1;
    return true;
  };
  whileLetIn({ isStillLetIn }, () => {
    isOver = true;
  });
  await vi.advanceTimersByTimeAsync(11 * HOUR_MS);
  expect(isOver).toBe(false);
  await vi.advanceTimersByTimeAsync(24 * HOUR_MS);
  expect(isOver).toBe(true);
  expect(asked).toBeLessThan(MAX_QUERIES - 100);
});

import { expect, it } from "vitest";
import { outliving } from "#platform/consumer/outliving.ts";
import { World } from "../../../src/testing/world.ts";

/** When the invocation is let go, of work that ends so; ms. */
async function letGoAfter(work: Promise<unknown>): Promise<number | null> {
  const world = new World(1);
  const start = world.now();
  let endedAt: number | null = null;
  outliving(world, (promise) => {
    void promise.then(() => {
      endedAt = world.now() - start;
    });
  })(work);
  await new Promise((resolve) => setImmediate(resolve));
  await world.run(start + 100_000);
  await new Promise((resolve) => setImmediate(resolve));
  return endedAt;
}

it.each<[string, () => Promise<unknown>, number]>([
  ["that ends", () => Promise.resolve(), 0],
  ["that fails", () => Promise.reject(new Error("late")), 0],
  ["that never ends", () => new Promise(() => undefined), 29_000],
])("an invocation runs on for work %s, but not for ever", async (_what, work, ms) => {
  expect(await letGoAfter(work())).toBe(ms);
});

import { expect, it } from "vitest";
import * as z from "zod";
import { createTaskDefiner, parseRate } from "#engine";
import { Deployment, mostInWindow, NO_DEPLOYMENT_FAULTS } from "./deployment.ts";
import type { World } from "../../src/testing/world.ts";

/*
 * Shards that are far from their limiters, or from their consumers: a start that is granted for now may be over when
 * the answer, or who is to use it, is there.
 */

interface Services {
  readonly world: World;
}

const defineTask = createTaskDefiner<Services>();
const services = (world: World): Services => ({ world });

const RATES = ["1/s", "10/s", "50/s", "200/s", "10/m"];
/** How far the shards are from their limiters, ms each way. */
const DISTANCES = [1, 30, 80];
/** A bell, a consumer's claims, and what messages to the limiter take at times. */
const COMING_MS = 50;

const rated = (rateLimit: string) => [
  defineTask({ name: "rated", params: z.object({}), rateLimit, handler: () => null }),
];

const cases = RATES.flatMap((rate) => DISTANCES.map((limiterMs) => [rate, limiterMs] as const));

it.each(cases)(
  "a lone task of %s starts with the answer from %i ms away",
  async (rate, limiterMs) => {
    for (let seed = 1; seed <= 5; seed += 1) {
      const deployment = new Deployment(rated(rate), { seed, shards: 1, services, limiterMs });
      // How far the limiter is, the shard has to see first.
      await deployment.submit(1, "rated");
      await deployment.pass(10_000);
      expect(deployment.starts).toHaveLength(1);
      const { asks, commands } = deployment;
      const at = deployment.world.now();
      await deployment.submit(1, "rated");
      await deployment.pass(10_000);
      expect((deployment.starts[1]?.at ?? Infinity) - at).toBeLessThan(2 * limiterMs + COMING_MS);
      expect(deployment.asks - asks).toBe(1);
      expect(deployment.commands - commands).toBeLessThan(7);
    }
  },
);

it.each(cases)("a backlog has all of %s from %i ms away, and no more", async (rate, limiterMs) => {
  const { starts, periodMs } = parseRate("rateLimit", rate) ?? { starts: 0, periodMs: 1 };
  const seconds = Math.max(10, (2 * periodMs) / 1_000);
  const expected = (seconds * 1_000 * starts) / periodMs;
  const deployment = new Deployment(rated(rate), { shards: 2, services, limiterMs });
  await deployment.submit(2 * expected, "rated");
  await deployment.pass(3_000);
  const before = deployment.starts.length;
  await deployment.pass(seconds * 1_000);
  expect(deployment.starts.length - before).toBeGreaterThan(0.94 * expected);
  const times = deployment.starts.map(({ at }) => at);
  expect(mostInWindow(times, periodMs)).toBeLessThanOrEqual(starts);
});

it.each(["1/s", "10/s"])("consumers 20 ms away use most of %s", async (rate) => {
  const { starts = 0 } = parseRate("rateLimit", rate) ?? {};
  const deployment = new Deployment(rated(rate), { shards: 1, services, consumerMs: 20 });
  await deployment.submit(40 * starts, "rated");
  await deployment.pass(30_000);
  expect(deployment.starts.length).toBeGreaterThan(0.75 * 30 * starts);
  const times = deployment.starts.map(({ at }) => at);
  expect(mostInWindow(times, 1_000)).toBeLessThanOrEqual(starts);
});

it("the rate holds far away too, whatever is lost or late or dies", async () => {
  for (let seed = 1; seed <= 10; seed += 1) {
    const faults = { messageLost: 0.05, messageLate: 0.05, bellLost: 0.1, ledgerDies: 0.005 };
    const deployment = new Deployment(rated("50/s"), {
      ...{ seed, services, limiterMs: 80 },
      faults: { ...NO_DEPLOYMENT_FAULTS, ...faults, limiterDies: 0.02, consumerDies: 0.005 },
    });
    await deployment.submit(200, "rated");
    await deployment.pass(20_000);
    deployment.faults = NO_DEPLOYMENT_FAULTS;
    await deployment.untilEnded(200, 300_000);
    const times = deployment.starts.map(({ at }) => at);
    expect(mostInWindow(times, 1_000)).toBeLessThanOrEqual(50);
  }
}, 60_000);

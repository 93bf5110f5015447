import { expect, it } from "vitest";
import * as z from "zod";
import { createTaskDefiner } from "#engine";
import { Deployment, mostInWindow, NO_DEPLOYMENT_FAULTS, running } from "./deployment.ts";
import type { World } from "../../src/testing/world.ts";

const SEEDS = Number(process.env["SIM_SEEDS"] ?? 20);

interface Services {
  readonly world: World;
}

const defineTask = createTaskDefiner<Services>();
const services = (world: World): Services => ({ world });

const limited = defineTask({
  name: "limited",
  params: z.object({}),
  rateLimit: "50/s",
  handler: (_params, ctx) => ctx.services.world.sleep(ctx.services.world.between(1, 30)),
});
const slow = defineTask({
  name: "slow",
  params: z.object({}),
  rateLimit: "10/m",
  handler: () => null,
});
const narrow = defineTask({
  name: "narrow",
  params: z.object({}),
  concurrency: 3,
  handler: (_params, ctx) => ctx.services.world.sleep(ctx.services.world.between(10, 200)),
});
const long = defineTask({
  name: "long",
  params: z.object({}),
  concurrency: 3,
  handler: (_params, ctx) => ctx.services.world.sleep(ctx.services.world.between(5_000, 25_000)),
});
const perCustomer = defineTask({
  name: "per_customer",
  params: z.object({}),
  key: { of: () => null, rateLimit: "5/s", concurrency: 1 },
  handler: (_params, ctx) => ctx.services.world.sleep(20),
});
const single = defineTask({
  name: "single",
  params: z.object({}),
  concurrency: 1,
  handler: (_params, ctx) => ctx.services.world.sleep(50),
});
/** Everything at once: a rate and places, in all and for each key. */
const strict = defineTask({
  name: "strict",
  params: z.object({}),
  rateLimit: "20/s",
  concurrency: 3,
  key: { of: () => null, rateLimit: "4/s", concurrency: 1 },
  handler: (_params, ctx) => ctx.services.world.sleep(ctx.services.world.between(10, 300)),
});
const plain = defineTask({ name: "plain", params: z.object({}), handler: () => null });
const tasks = [limited, slow, narrow, long, single, perCustomer, strict, plain];

it("1,000 tasks limited to 50/s over 4 shards: never more in any second, and 95 % of it reached", async () => {
  for (const seed of [1, 2, 3]) {
    const deployment = new Deployment(tasks, { seed, services });
    await deployment.submit(1_000, "limited");
    const tookMs = await deployment.untilEnded(1_000, 60_000);
    const times = deployment.starts.map(({ at }) => at);
    expect(times).toHaveLength(1_000);
    expect(mostInWindow(times, 1_000)).toBeLessThanOrEqual(50);
    expect(1_000 / (tookMs / 1_000)).toBeGreaterThan(0.95 * 50);
    // What it takes: a few requests a second, not one per task.
    expect(deployment.asks).toBeLessThan(400);
  }
});

it("the rate holds whatever is lost or dies, and everything ends", async () => {
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const faults = {
      messageLost: 0.05,
      messageLate: 0.02,
      bellLost: 0.1,
      ledgerDies: 0.005,
      limiterDies: 0.02,
      historyFails: 0,
      bellDoubled: 0,
      consumerFreezes: 0,
      consumerDies: 0.005,
    };
    const deployment = new Deployment(tasks, { seed, services, faults });
    await deployment.submit(200, "limited", (n) => ({ priority: n % 10 }));
    await deployment.pass(20_000);
    deployment.faults = NO_DEPLOYMENT_FAULTS;
    await deployment.untilEnded(200, 300_000);
    const times = deployment.starts.map(({ at }) => at);
    expect(mostInWindow(times, 1_000)).toBeLessThanOrEqual(50);
  }
}, 120_000);

it("10/m is ten in any minute, also when objects sleep in between", async () => {
  const deployment = new Deployment(tasks, { services });
  deployment.faults = { ...NO_DEPLOYMENT_FAULTS, limiterDies: 1 };
  await deployment.submit(40, "slow");
  for (let minute = 0; minute < 7; minute += 1) {
    await deployment.pass(45_000);
    for (const shard of deployment.shards) shard.restart();
    for (const shard of deployment.shards) shard.ledger.tick();
  }
  const times = deployment.starts.map(({ at }) => at);
  expect(times).toHaveLength(40);
  expect(mostInWindow(times, 60_000)).toBeLessThanOrEqual(10);
});

it("a concurrency of 3 is never passed, whatever is lost or dies, and everything ends", async () => {
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const faults = {
      messageLost: 0.1,
      messageLate: 0.05,
      bellLost: 0.1,
      ledgerDies: 0.03,
      limiterDies: 0.05,
      historyFails: 0,
      bellDoubled: 0,
      consumerFreezes: 0,
      consumerDies: 0.02,
    };
    const deployment = new Deployment(tasks, { seed, services, faults });
    let most = 0;
    deployment.afterCommand = () => {
      most = Math.max(most, running(deployment, "narrow").length);
    };
    await deployment.submit(150, "narrow", (n) => ({ priority: n % 10 }));
    await deployment.pass(60_000);
    deployment.faults = NO_DEPLOYMENT_FAULTS;
    await deployment.untilEnded(150, 1_800_000);
    expect(most).toBe(3);
  }
}, 120_000);

it("a place comes back once: not again when a runner that has lost its lease settles (G18)", async () => {
  let frozen = 0;
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const faults = { ...NO_DEPLOYMENT_FAULTS, consumerFreezes: 0.2 };
    const deployment = new Deployment(tasks, { seed, services, faults, shards: 2 });
    let most = 0;
    deployment.afterCommand = () => {
      most = Math.max(most, running(deployment, "long").length);
    };
    await deployment.submit(40, "long");
    await deployment.pass(600_000);
    deployment.faults = NO_DEPLOYMENT_FAULTS;
    await deployment.untilEnded(40, 3_600_000);
    expect(most, `seed ${seed}`).toBe(3);
    const starts = Map.groupBy(deployment.starts, ({ id }) => id);
    frozen += [...starts.values()].filter(({ length }) => length > 1).length;
  }
  // Else nobody lost a lease.
  expect(frozen).toBeGreaterThan(SEEDS);
}, 120_000);

it.each([1, 4])("tasks of all priorities share the one place, over %i shards", async (shards) => {
  const deployment = new Deployment(tasks, { services, shards });
  let most = 0;
  deployment.afterCommand = () => {
    most = Math.max(most, running(deployment, "single").length);
  };
  await deployment.submit(40, "single", (n) => ({ priority: n % 10 }));
  await deployment.untilEnded(40, 60_000);
  expect(most).toBe(1);
});

it("a concurrency of 3 is used, without faults", async () => {
  const deployment = new Deployment(tasks, { services });
  await deployment.submit(300, "narrow");
  // 105 ms each on average, three at a time.
  const tookMs = await deployment.untilEnded(300, 60_000);
  expect(tookMs).toBeLessThan(1.25 * 100 * 105);
});

it("shards that wait for the one place get their turn", async () => {
  const deployment = new Deployment(tasks, { services });
  await deployment.submit(4_000, "single");
  await deployment.pass(60_000);
  const byShard = Map.groupBy(deployment.starts, ({ id }) => id.slice(15, 18));
  const shares = Array.from(byShard.values(), (starts) => starts.length / deployment.starts.length);
  expect(shares).toHaveLength(4);
  expect(Math.min(...shares)).toBeGreaterThan(0.15);
});

it("limits per key hold for each key, and keys don't hold each other up", async () => {
  const deployment = new Deployment(tasks, { services });
  const keys = ["a", "b", "c", "d", "e"];
  let most = 0;
  deployment.afterCommand = () => {
    const gates = running(deployment, "per_customer");
    for (const gate of gates) most = Math.max(most, gates.filter((other) => other === gate).length);
  };
  const keyOf = new Map<string, string>();
  const ids = await deployment.submit(100, "per_customer", (n) => ({
    key: keys[n % 5] ?? null,
    priority: n % 3,
  }));
  for (const [n, id] of ids.entries()) keyOf.set(id, keys[n % 5] ?? "");
  const tookMs = await deployment.untilEnded(100, 60_000);
  expect(most).toBe(1);
  for (const key of keys) {
    const times = deployment.starts.filter(({ id }) => keyOf.get(id) === key).map(({ at }) => at);
    expect(mostInWindow(times, 1_000)).toBeLessThanOrEqual(5);
  }
  // Twenty of each key at 5/s: all keys at the same time.
  expect(tookMs).toBeLessThan(8_000);
});

it("all limits of a task hold together, whatever is lost or dies, and nothing waits for nothing", async () => {
  const keys = [null, "a", "b", "c", "d"];
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const faults = {
      messageLost: 0.1,
      messageLate: 0.05,
      bellLost: 0.1,
      ledgerDies: 0.02,
      limiterDies: 0.05,
      historyFails: 0,
      bellDoubled: 0,
      consumerFreezes: 0,
      consumerDies: 0.01,
    };
    const deployment = new Deployment(tasks, { seed, services, faults, shards: 3 });
    let most = 0;
    let mostOfKey = 0;
    deployment.afterCommand = () => {
      const gates = running(deployment, "strict");
      most = Math.max(most, gates.length);
      for (const gate of gates) {
        if (gate === "strict") continue;
        mostOfKey = Math.max(mostOfKey, gates.filter((other) => other === gate).length);
      }
    };
    const keyOf = new Map<string, string | null>();
    const ids = await deployment.submit(120, "strict", (n) => ({
      key: keys[n % 5] ?? null,
      priority: n % 7,
    }));
    for (const [n, id] of ids.entries()) keyOf.set(id, keys[n % 5] ?? null);
    await deployment.pass(60_000);
    deployment.faults = NO_DEPLOYMENT_FAULTS;
    await deployment.untilEnded(120, 120_000);
    expect(most).toBeLessThanOrEqual(3);
    expect(mostOfKey).toBe(1);
    for (const [key, starts] of Map.groupBy(deployment.starts, ({ id }) => keyOf.get(id))) {
      const times = starts.map(({ at }) => at);
      if (key !== null) expect(mostInWindow(times, 1_000)).toBeLessThanOrEqual(4);
    }
    const times = deployment.starts.map(({ at }) => at);
    expect(mostInWindow(times, 1_000)).toBeLessThanOrEqual(20);
  }
}, 120_000);

it("limited tasks block no others: plain ones run past a backlog of them", async () => {
  const deployment = new Deployment(tasks, { services });
  await deployment.submit(2_000, "slow");
  const begin = deployment.world.now();
  const ids = new Set(await deployment.submit(100, "plain"));
  await deployment.pass(1_000);
  const starts = deployment.starts.filter(({ id }) => ids.has(id));
  expect(starts).toHaveLength(100);
  expect(Math.max(...starts.map(({ at }) => at)) - begin).toBeLessThan(200);
  // And nothing spins: a backlog that may not start yet costs next to nothing.
  const { asks, bells } = deployment;
  await deployment.pass(60_000);
  expect(deployment.asks - asks).toBeLessThan(80);
  expect(deployment.bells - bells).toBeLessThan(80);
});

it("consumers that evictions called beside each other become one again", async () => {
  const deployment = new Deployment(tasks, { shards: 1, services });
  await deployment.submit(3_000, "limited");
  const callsIn = async (ms: number) => {
    const before = deployment.commands;
    await deployment.pass(ms);
    return deployment.commands - before;
  };
  await deployment.pass(2_000);
  const calm = await callsIn(10_000);
  for (let eviction = 0; eviction < 10; eviction += 1) {
    deployment.shards[0]?.restart();
    await deployment.pass(700);
  }
  await deployment.pass(10_000);
  expect(await callsIn(10_000)).toBeLessThan(2 * calm);
});

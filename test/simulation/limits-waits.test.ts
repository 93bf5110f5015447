import { expect, it } from "vitest";
import * as z from "zod";
import { createTaskDefiner, NO_CONTROLS } from "#engine";
import { Deployment, NO_DEPLOYMENT_FAULTS, type DeploymentFaults } from "./deployment.ts";
import type { World } from "../../src/testing/world.ts";

/*
 * Who waits for what: no limited task waits where nothing limits it.
 */

interface Services {
  readonly world: World;
}

const defineTask = createTaskDefiner<Services>();
const params = z.object({ ms: z.number().optional() });
const of = () => null;
const handler = ({ ms }: { ms?: number | undefined }, ctx: { services: Services }) =>
  ctx.services.world.sleep(ms ?? 0);

const tasks = [
  defineTask({ name: "plain", params, handler }),
  defineTask({ name: "single", params, concurrency: 1, handler }),
  defineTask({ name: "rated", params, rateLimit: "10/m", handler }),
  defineTask({ name: "hourly", params, rateLimit: "1/h", handler }),
  defineTask({
    name: "slow_in_all",
    params,
    rateLimit: "2/m",
    key: { of, concurrency: 1 },
    handler,
  }),
  defineTask({ name: "single_key", params, key: { of, concurrency: 1 }, handler }),
  defineTask({ name: "rated_key", params, key: { of, rateLimit: "1/h" }, handler }),
  defineTask({ name: "paced_key", params, key: { of, rateLimit: "1/s" }, handler }),
  defineTask({
    ...{ name: "stormy", params: z.object({ failures: z.number() }), rateLimit: "20/s" },
    ...{ autoretryFor: [RangeError], maxRetries: null },
    ...{ retryBackoff: true, retryBackoffMaxSeconds: 20 },
    handler: ({ failures }, { retries }) => {
      if (retries < failures) throw new RangeError("try again");
    },
  }),
  defineTask({
    name: "single_in_all",
    params,
    concurrency: 1,
    key: { of, concurrency: 1 },
    handler,
  }),
  defineTask({
    name: "rated_in_all",
    params,
    rateLimit: "50/s",
    key: { of, rateLimit: "3/s" },
    handler,
  }),
];

class Waits extends Deployment<Services> {
  constructor(shards: number, faults: Partial<DeploymentFaults> = {}) {
    super(tasks, {
      shards,
      services: (world) => ({ world }),
      faults: { ...NO_DEPLOYMENT_FAULTS, ...faults },
    });
  }

  /** Submits a task that takes this long, and lets a moment pass. @returns its id */
  async put(shard: number, name: string, ms: number, key: string | null = null): Promise<string> {
    const spec = this.spec(shard, name, { key, kwargs: JSON.stringify({ ms }) });
    await this.shards[shard]?.ledger.submit([spec]);
    await this.pass(200);
    return spec.id;
  }

  startOf(taskId: string): number {
    return this.starts.find(({ id }) => id === taskId)?.at ?? Infinity;
  }

  endOf(taskId: string): number {
    return this.history.get(taskId)?.finishedAt ?? Infinity;
  }
}

it.each(["single_key", "rated_key"])("a key's wait holds no other key up: %s", async (name) => {
  const deployment = new Waits(1);
  await deployment.put(0, name, 60_000, "a");
  await deployment.put(0, name, 60_000, "a");
  await deployment.pass(5_000);
  const at = deployment.world.now();
  const other = await deployment.put(0, name, 0, "b");
  await deployment.pass(10_000);
  expect(deployment.startOf(other) - at).toBeLessThan(500);
});

it("a key's first start waits for no consumer that paces another key", async () => {
  const deployment = new Waits(1);
  for (let n = 0; n < 20; n += 1) await deployment.put(0, "paced_key", 0, "a");
  for (let n = 0; n < 10; n += 1) {
    const at = deployment.world.now();
    const other = await deployment.put(0, "paced_key", 0, `b${n}`);
    await deployment.pass(1_000);
    expect(deployment.startOf(other) - at).toBeLessThan(100);
  }
});

it("many tasks that fail and are tried again call for a consumer or two per start", async () => {
  const deployment = new Waits(2);
  await deployment.submit(200, "stormy", () => ({ kwargs: '{"failures":5}' }));
  await deployment.untilEnded(200, 200_000);
  const { starts, commands, bells } = deployment;
  expect(starts).toHaveLength(200 * 6);
  // To claim it, and to settle it.
  expect(commands / starts.length).toBeLessThan(3);
  expect(bells / starts.length).toBeLessThan(0.3);
});

it("of many keys with a backlog each, all have their start", async () => {
  const deployment = new Waits(1);
  const at = deployment.world.now();
  const keyOf = new Map<string, number>();
  const specs = Array.from({ length: 200 * 15 }, (_, n) => {
    const spec = deployment.spec(0, "single_key", { key: `k${n % 200}`, kwargs: '{"ms":1000}' });
    keyOf.set(spec.id, n % 200);
    return spec;
  });
  await deployment.shards[0]?.ledger.submit(specs);
  await deployment.pass(5_000);
  expect(new Set(deployment.starts.map(({ id }) => keyOf.get(id))).size).toBe(200);
  expect(deployment.starts[199]?.at).toBeLessThan(at + 1_000);
});

it.each([1, 2])("keys take turns for the one place of all, over %i shards", async (shards) => {
  const deployment = new Waits(shards);
  const kwargs = '{"ms":100}';
  await deployment.submit(100, "single_in_all", () => ({ key: "a", kwargs }));
  await deployment.pass(1_000);
  const at = deployment.world.now();
  const other = await deployment.put(0, "single_in_all", 0, "b");
  await deployment.pass(5_000);
  expect(deployment.startOf(other) - at).toBeLessThan(2_000);
});

it("queues take turns for the one place, and the last task of one leaves it to the other", async () => {
  const deployment = new Waits(1);
  for (const queue of ["default", "emails"]) {
    await deployment.submit(50, "single", () => ({ queue, kwargs: '{"ms":100}' }));
  }
  await deployment.pass(2_000);
  expect(new Set(deployment.starts.map(({ queue }) => queue)).size).toBe(2);
  await deployment.untilEnded(100, 12_000);
});

it("keys that have used their own rate leave the rate of all to the others", async () => {
  const deployment = new Waits(4);
  await deployment.submit(1_600, "rated_in_all", (n) => ({ key: `k${Math.floor(n / 4) % 20}` }));
  const before = deployment.starts.length;
  await deployment.pass(15_000);
  expect((deployment.starts.length - before) / 15).toBeGreaterThan(45);
});

it("a shard whose waiting task was revoked holds the others of its line up no longer", async () => {
  const deployment = new Waits(3);
  const first = await deployment.put(0, "single", 2_000);
  const revoked = await deployment.put(1, "single", 0);
  const last = await deployment.put(2, "single", 0);
  deployment.shards[1]?.ledger.revoke(revoked, false);
  await deployment.pass(30_000);
  expect(deployment.startOf(last) - deployment.endOf(first)).toBeLessThan(500);
});

it("the place of a task that outlived its shard's memory is the next one's as soon as it ends", async () => {
  const deployment = new Waits(8);
  const kwargs = '{"ms":60000}';
  await deployment.submit(8, "single", () => ({ kwargs }));
  await deployment.untilEnded(8, 500_000);
  for (const [n, { at }] of deployment.starts.entries()) {
    const before = deployment.starts[n - 1];
    if (before !== undefined) expect(at - deployment.endOf(before.id)).toBeLessThan(500);
  }
});

it("a key's place that is given back while another's is taken goes to who waits for it", async () => {
  const deployment = new Waits(2);
  await deployment.put(0, "single_key", 60_000, "w");
  const first = await deployment.put(1, "single_key", 3_000, "y");
  const next = await deployment.put(0, "single_key", 0, "y");
  await deployment.put(1, "single_key", 0, "w");
  await deployment.put(1, "single_key", 20_000, "z");
  await deployment.pass(90_000);
  expect(deployment.startOf(next) - deployment.endOf(first)).toBeLessThan(500);
});

it("keys whose tasks expired while they waited hold nobody up", async () => {
  const deployment = new Waits(1);
  await deployment.put(0, "single_in_all", 60_000);
  const expiresAt = deployment.world.now() + 20_000;
  const specs = Array.from({ length: 1_000 }, (_, n) =>
    deployment.spec(0, "single_in_all", { key: `k${n}`, expiresAt }),
  );
  await deployment.shards[0]?.ledger.submit(specs);
  await deployment.pass(70_000);
  expect(deployment.history.size).toBe(1_001);
  const at = deployment.world.now();
  const live = await deployment.put(0, "single_in_all", 0, "live");
  await deployment.pass(1_000);
  expect(deployment.startOf(live) - at).toBeLessThan(500);
});

it.each(["plain", "single", "rated"])("every doorbell may be lost: %s", async (name) => {
  const deployment = new Waits(2, { bellLost: 1 });
  await deployment.submit(20, name);
  await deployment.pass(1_200_000);
  expect(deployment.history.size).toBe(20);
});

it("keys take turns for the starts of all, though out of memory between two of them", async () => {
  const deployment = new Waits(1);
  const keyOf = new Map<string, string>();
  for (const key of ["a", "b", "c"]) {
    const ids = await deployment.submit(3, "slow_in_all", () => ({ key }));
    for (const id of ids) keyOf.set(id, key);
  }
  await deployment.untilEnded(9, 600_000);
  expect(deployment.starts.map(({ id }) => keyOf.get(id)).join("")).toBe("abcabcabc");
});

it.each([
  ["hourly", null],
  ["rated_key", "key"],
])(
  "who waits an hour for the next start asks for it once, though out of memory for so long: %s",
  async (name, key) => {
    const deployment = new Waits(3);
    await deployment.submit(12, name, () => ({ key }));
    await deployment.pass(3_500_000);
    expect(deployment.starts).toHaveLength(1);
    expect(deployment.asks).toBeLessThan(5);
    expect(deployment.bells).toBeLessThan(5);
    await deployment.pass(4 * 3_600_000);
    expect(deployment.starts).toHaveLength(5);
    expect(deployment.asks).toBeLessThan(30);
  },
);

it("a key that waits an hour for its next start holds no other up, though its shard was out of memory", async () => {
  const deployment = new Waits(1);
  await deployment.submit(2, "rated_key", () => ({ key: "a" }));
  await deployment.pass(95_000);
  const at = deployment.world.now();
  const other = await deployment.put(0, "rated_key", 0, "b");
  await deployment.pass(5_000);
  expect(deployment.startOf(other) - at).toBeLessThan(500);
});

it("keys whose tasks come one by one leave their turns to one with a backlog", async () => {
  const deployment = new Waits(1);
  const backlog = await deployment.submit(20, "slow_in_all", () => ({ key: "backlog" }));
  for (let n = 0; n < 20; n += 1) {
    await deployment.put(0, "slow_in_all", 0, n % 2 === 0 ? "a" : "b");
    await deployment.pass(30_800);
  }
  expect(deployment.starts.filter(({ id }) => backlog.includes(id)).length).toBeGreaterThan(5);
});

it("who waits an hour for the next start does not when the limit is another", async () => {
  const deployment = new Waits(1);
  await deployment.submit(3, "hourly");
  await deployment.pass(95_000);
  const controls = { ...NO_CONTROLS, version: 1, rateLimits: { hourly: "1/s" } };
  deployment.shards[0]?.ledger.configure(controls);
  await deployment.pass(5_000);
  expect(deployment.starts).toHaveLength(3);
});

it("a consumer does not hurry while a limiter takes its time to answer", async () => {
  const deployment = new Waits(1, { messageLate: 1 });
  await deployment.submit(100, "rated");
  const { commands } = deployment;
  await deployment.pass(60_000);
  expect(deployment.starts.length).toBeGreaterThan(5);
  expect(deployment.commands - commands).toBeLessThan(250);
});

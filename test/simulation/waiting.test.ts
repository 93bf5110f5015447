import { expect, it } from "vitest";
import * as z from "zod";
import { createTaskDefiner, NO_CONTROLS } from "#engine";
import { Rig } from "../unit/ledger/rig.ts";
import { Deployment } from "./deployment.ts";
import type { World } from "../../src/testing/world.ts";

interface Services {
  readonly world: World;
}

const defineTask = createTaskDefiner<Services>();
const slow = defineTask({
  name: "slow",
  params: z.object({}),
  rateLimit: "10/m",
  handler: () => null,
});
const rare = defineTask({
  name: "rare",
  params: z.object({}),
  rateLimit: "1/m",
  handler: () => null,
});
const both = defineTask({
  name: "both",
  params: z.object({}),
  ...{ rateLimit: "1/m", concurrency: 5 },
  handler: () => null,
});
const single = defineTask({
  name: "single",
  params: z.object({}),
  concurrency: 1,
  handler: (_params, ctx) => ctx.services.world.sleep(10_000),
});
const services = (world: World): Services => ({ world });

it("a task that is not due says when it is", async () => {
  const rig = new Rig();
  const spec = rig.spec({ dueAt: rig.now + 5_000 });
  await rig.ledger.submit([spec]);
  expect(rig.ledger.questions.whyWaiting(spec.id)).toEqual({
    reason: "eta",
    until: rig.now + 5_000,
  });
});

it("a due task says how many are before it, in the lanes and on disk", async () => {
  const rig = new Rig();
  const later = rig.spec({ dueAt: rig.now + 10 });
  await rig.ledger.submit([later, rig.spec({ priority: 3 }), rig.spec(), rig.spec()]);
  await rig.pass(100);
  const last = rig.spec();
  await rig.ledger.submit([last, rig.spec(), rig.spec({ queue: "emails" })]);
  expect(rig.ledger.questions.whyWaiting(last.id)).toEqual({
    reason: "backlog",
    queue: "default",
    ahead: 4,
  });
  expect(rig.ledger.questions.whyWaiting(later.id)).toMatchObject({ reason: "backlog", ahead: 5 });
});

it("a task that runs, or is not here, says nothing", async () => {
  const rig = new Rig();
  const spec = rig.spec();
  await rig.ledger.submit([spec]);
  rig.claim();
  expect(rig.ledger.questions.whyWaiting(spec.id)).toBeNull();
  expect(rig.ledger.questions.whyWaiting(rig.spec().id)).toBeNull();
});

it("a suspect says so, and so does a task of a queue that is not consumed", async () => {
  const rig = new Rig();
  const spec = rig.spec();
  await rig.ledger.submit([spec]);
  rig.claim();
  await rig.pass(31_000);
  rig.ledger.tick();
  expect(rig.ledger.questions.whyWaiting(spec.id)).toEqual({ reason: "suspect" });
  rig.ledger.configure({ ...NO_CONTROLS, version: 1, pausedQueues: ["default"] });
  expect(rig.ledger.questions.whyWaiting(spec.id)).toEqual({ reason: "paused", queue: "default" });
});

it("a task at a rate limit says when its turn comes, and then it does", async () => {
  const deployment = new Deployment([slow], { shards: 1, services });
  const ids = await deployment.submit(5, "slow");
  await deployment.pass(1_000);
  const last = ids[4] ?? "";
  const why = deployment.shardOf(last).ledger.questions.whyWaiting(last);
  expect(why).toMatchObject({ reason: "rate_limit", key: null, ahead: 3 });
  const until = why?.reason === "rate_limit" ? (why.until ?? 0) : 0;
  await deployment.pass(60_000);
  const startedAt = deployment.starts.find(({ id }) => id === last)?.at ?? 0;
  expect(Math.abs(startedAt - until)).toBeLessThan(6_000);
});

it.each([
  ["at once", 1_000],
  ["when its shard was out of memory meanwhile", 20_000],
])(
  "a task at a slow rate says when its turn comes, not a period from now: %s",
  async (_when, ms) => {
    const deployment = new Deployment([rare], { shards: 1, services });
    await deployment.submit(1, "rare");
    await deployment.pass(30_000);
    const [id = ""] = await deployment.submit(1, "rare");
    await deployment.pass(ms);
    const why = deployment.shardOf(id).ledger.questions.whyWaiting(id);
    const until = why?.reason === "rate_limit" ? (why.until ?? 0) : 0;
    await deployment.pass(60_000);
    const startedAt = deployment.starts.find((start) => start.id === id)?.at ?? 0;
    expect(Math.abs(startedAt - until)).toBeLessThan(1_000);
  },
);

it.each([1_000, 20_000])(
  "a task that waits for a start does not say that it waits for one of many free places: after %i ms",
  async (ms) => {
    const deployment = new Deployment([both], { shards: 1, services });
    await deployment.submit(1, "both");
    await deployment.pass(1_000);
    const [id = ""] = await deployment.submit(1, "both");
    await deployment.pass(ms);
    const why = deployment.shardOf(id).ledger.questions.whyWaiting(id);
    expect(why).toMatchObject({ reason: "rate_limit", ahead: 0 });
  },
);

it("a task at a concurrency limit says who holds the place", async () => {
  const deployment = new Deployment([single], { shards: 1, services });
  const ids = await deployment.submit(3, "single");
  await deployment.pass(1_000);
  expect(deployment.shardOf(ids[2] ?? "").ledger.questions.whyWaiting(ids[2] ?? "")).toEqual({
    reason: "concurrency",
    key: null,
    limit: 1,
    holders: [ids[0]],
    ahead: 1,
  });
  expect(deployment.limiter("single").holders(null)).toEqual([]);
});

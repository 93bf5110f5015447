import { expect, it } from "vitest";
import * as z from "zod";
import { createTaskDefiner, type TaskContext } from "#engine";
import type { World } from "../../src/testing/world.ts";
import { Deployment, NO_DEPLOYMENT_FAULTS, type DeploymentFaults } from "./deployment.ts";

/* Durable steps side by side: what a handler does with Promise.all and Promise.race. */

interface Services {
  readonly world: World;
  readonly ran: string[];
}
type Ctx = TaskContext<Services>;

const define = createTaskDefiner<Services>();
const params = z.object({});

async function start(
  handler: (ctx: Ctx) => unknown,
  options: { maxRetries?: number; timeLimitSeconds?: number; seed?: number } = {},
  faults: DeploymentFaults = NO_DEPLOYMENT_FAULTS,
) {
  const { seed = 1, ...declared } = options;
  const task = define({
    name: "t",
    params,
    autoretryFor: [RangeError],
    defaultRetryDelaySeconds: 1,
    ...declared,
    handler: (_params, ctx) => handler(ctx),
  });
  const services = (world: World): Services => ({ world, ran: [] });
  const deployment = new Deployment<Services>([task], { seed, shards: 1, services, faults });
  const [id = ""] = await deployment.submit(1, "t");
  const [shard] = deployment.shards;
  if (shard === undefined) throw new Error("no shard");
  return { deployment, id, shard, ended: () => deployment.history.get(id) };
}

it("a step that failed beside another one is run anew by the task's retry", async () => {
  const { deployment, ended } = await start((ctx) =>
    Promise.all([
      ctx.step("a", async () => {
        ctx.services.ran.push("a");
        await ctx.services.world.sleep(100);
        if (ctx.retries < 1) throw new RangeError("not yet");
      }),
      ctx.step("b", () => ctx.services.ran.push("b")),
      ctx.sleep(0.05),
    ]),
  );
  await deployment.pass(60_000);
  expect(ended()).toMatchObject({ state: "SUCCESS" });
  expect(deployment.services.ran.toSorted()).toEqual(["a", "a", "b"]);
});

it("an event, or its time-out, beside a sleep does not keep the task awake", async () => {
  const { deployment, id, shard, ended } = await start((ctx) =>
    Promise.all([
      ctx.sleep(60),
      ctx.waitForEvent("paid"),
      ctx.waitForEvent("late", { timeoutSeconds: 5 }).catch(() => null),
    ]),
  );
  await deployment.pass(3_000);
  shard.ledger.sendEvent(id, { name: "paid", payload: "1", key: null });
  await deployment.pass(30_000);
  expect(shard.ledger.get(id)?.state).toBe("SUSPENDED");
  await deployment.pass(60_000);
  expect(ended()).toMatchObject({ state: "SUCCESS", result: "[null,1,null]" });
});

it("after a race that a sleep won, the handler goes on with what is no step", async () => {
  const { deployment, id, shard, ended } = await start(async (ctx) => {
    const wins = await Promise.race([
      ctx.waitForEvent("cancel"),
      ctx.sleep(10).then(() => "the sleep"),
    ]);
    await ctx.services.world.sleep(2_000);
    await ctx.sleep(30);
    return wins;
  });
  await deployment.pass(25_000);
  // Too late: what won in one run has won in all.
  shard.ledger.sendEvent(id, { name: "cancel", payload: '"the event"', key: null });
  await deployment.pass(60_000);
  expect(ended()).toMatchObject({ state: "SUCCESS", result: '"the sleep"' });
});

it("no step begins in a run that is over: suspended, terminated, or past its time limit", async () => {
  const suspended = await start((ctx) =>
    Promise.all([
      ctx.waitForEvent("approved"),
      (async () => {
        await ctx.services.world.sleep(5);
        await ctx.step("charge", () => ctx.services.ran.push("charge"));
      })(),
    ]),
  );
  await suspended.deployment.pass(10_000);
  suspended.shard.ledger.sendEvent(suspended.id, { name: "approved", payload: "1", key: null });
  await suspended.deployment.pass(10_000);
  expect(suspended.ended()?.state).toBe("SUCCESS");
  expect(suspended.deployment.services.ran).toEqual(["charge"]);
  for (const how of ["terminated", "late"]) {
    const { deployment, id, shard, ended } = await start(
      async (ctx) => {
        await ctx.services.world.sleep(25_000);
        await ctx.step("charge", () => ctx.services.ran.push("charge"));
      },
      { timeLimitSeconds: 20 },
    );
    await deployment.pass(2_000);
    if (how === "terminated") shard.ledger.revoke(id, true);
    await deployment.pass(100_000);
    expect(ended()?.state).toBe(how === "late" ? "FAILURE" : "REVOKED");
    expect(deployment.services.ran).toEqual([]);
  }
});

it("a ledger that is out of reach while a step is recorded fails no task", async () => {
  const { deployment, shard, ended } = await start(
    (ctx) => ctx.step("charge", () => ctx.services.ran.push("charge")),
    { maxRetries: 0 },
  );
  const record = shard.ledger.recordSteps.bind(shard.ledger);
  shard.ledger.recordSteps = (entries) => {
    if (deployment.world.now() < downUntil) throw new Error("Durable Object reset");
    return record(entries);
  };
  const downUntil = deployment.world.now() + 5_000;
  await deployment.pass(120_000);
  expect(ended()).toMatchObject({ state: "SUCCESS" });
});

/** Branches of steps, effects, sleeps and waits, with other work between them, drawn from a seed. */
function program(world: World) {
  const draw = (most: number) => world.between(1, most);
  return Array.from({ length: draw(4) }, () =>
    Array.from({ length: draw(4) }, () => ({
      kind: ["step", "step", "sleep", "event", "work", "once"][draw(6) - 1],
      ms: draw(400),
    })),
  );
}

/** Less than three leases. */
const DEADLY_MS = 70_000;

async function runBranches(seed: number, faults: DeploymentFaults) {
  let branches: ReturnType<typeof program> = [];
  const begun = await start(
    async (ctx) => {
      const { world, ran } = ctx.services;
      const results = await Promise.all(
        branches.map(async (parts, branch) => {
          const seen: unknown[] = [];
          for (const [index, { kind, ms }] of parts.entries()) {
            const name = `${branch}.${index}`;
            if (kind === "work") await world.sleep(ms);
            else if (kind === "sleep") await ctx.sleep(ms / 100);
            else if (kind === "event") {
              const timeoutSeconds = ms / 50;
              seen.push(await ctx.waitForEvent("e", { timeoutSeconds }).catch(() => "late"));
            } else {
              const run = async () => {
                ran.push(name);
                await world.sleep(ms);
                return ran.length;
              };
              seen.push(await (kind === "once" ? ctx.once(name, run) : ctx.step(name, run)));
            }
          }
          return seen;
        }),
      );
      return results;
    },
    { seed, maxRetries: 0 },
    faults,
  );
  const { deployment, id, shard, ended } = begun;
  branches = program(deployment.world);
  for (let n = 0; n < 4; n += 1) {
    await deployment.pass(deployment.world.between(1, 4_000));
    shard.ledger.sendEvent(id, { name: "e", payload: String(n), key: null });
  }
  // After that a fourth loss could be: one that was lost three times alone is not tried again.
  await deployment.pass(DEADLY_MS);
  deployment.faults = NO_DEPLOYMENT_FAULTS;
  await deployment.pass(3_600_000);
  return { ended: ended(), ran: deployment.services.ran };
}

it("parallel branches come to the same end in every run, each step and effect run once", async () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const { ended, ran } = await runBranches(seed, NO_DEPLOYMENT_FAULTS);
    expect(ended, `seed ${seed}`).toMatchObject({ state: "SUCCESS" });
    expect(ran.length, `seed ${seed}`).toBe(new Set(ran).size);
  }
});

it("and so they do when consumers and ledgers die", async () => {
  const faults = { ...NO_DEPLOYMENT_FAULTS, consumerDies: 0.03, ledgerDies: 0.05, bellLost: 0.1 };
  for (let seed = 1; seed <= 300; seed += 1) {
    const { ended } = await runBranches(seed, faults);
    expect(ended, `seed ${seed}`).toMatchObject({ state: "SUCCESS" });
  }
});

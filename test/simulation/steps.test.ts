import { expect, it } from "vitest";
import * as z from "zod";
import { createTaskDefiner, EventTimeoutError, type AnyTaskDefinition } from "#engine";
import { Deployment, NO_DEPLOYMENT_FAULTS } from "./deployment.ts";
import type { World } from "../../src/testing/world.ts";

interface Services {
  readonly world: World;
  /** How often each step's function ran to its end. */
  readonly ran: Map<string, number>;
}

const SEEDS = Number(process.env["SIM_SEEDS"] ?? 40);
const defineTask = createTaskDefiner<Services>();

function note({ ran }: Services, what: string): void {
  ran.set(what, (ran.get(what) ?? 0) + 1);
}

function deploy(tasks: readonly AnyTaskDefinition<Services>[], seed = 1): Deployment<Services> {
  return new Deployment(tasks, {
    seed,
    shards: 1,
    services: (world) => ({ world, ran: new Map() }),
  });
}

/** Runs one task of this handler in a deployment of its own. */
async function run(task: AnyTaskDefinition<Services>, ms = 60_000) {
  const deployment = deploy([task]);
  const [id = ""] = await deployment.submit(1, task.name);
  await deployment.pass(ms);
  return { deployment, id, ended: deployment.history.get(id), ran: deployment.services.ran };
}

const order = defineTask({
  name: "order",
  params: z.object({}),
  maxRetries: 5,
  defaultRetryDelaySeconds: 1,
  handler: async (_params, ctx) => {
    const { world } = ctx.services;
    const reserved = await ctx.step("reserve", async () => {
      await world.sleep(world.between(0, 50));
      note(ctx.services, `${ctx.taskId} reserve`);
      return { item: 7 };
    });
    await ctx.sleep(5);
    const [a, b] = await Promise.all([
      ctx.step("a", () => note(ctx.services, `${ctx.taskId} a`)),
      ctx.step("b", async () => {
        await world.sleep(20);
        note(ctx.services, `${ctx.taskId} b`);
        return "b";
      }),
    ]);
    return { reserved, a, b };
  },
});

it("steps run once, sleeps give the consumer up, and the result is that of all of them", async () => {
  const { ended, ran } = await run(order);
  expect(ended).toMatchObject({
    state: "SUCCESS",
    result: JSON.stringify({ reserved: { item: 7 }, a: null, b: "b" }),
    retries: 0,
    attempts: [
      { attempt: 1, outcome: "suspended" },
      { attempt: 1, outcome: "success" },
    ],
  });
  expect([...ran.values()]).toEqual([1, 1, 1]);
  expect(ended?.steps?.map(({ kind, name, state }) => `${kind} ${name} ${state}`)).toEqual([
    "step reserve done",
    "sleep sleep waiting",
    "step a done",
    "step b done",
  ]);
});

it("whatever dies, a recorded step is never run again and every task ends", async () => {
  let repeated = 0;
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const deployment = deploy([order], seed);
    deployment.faults = {
      ...NO_DEPLOYMENT_FAULTS,
      bellLost: 0.1,
      ledgerDies: 0.02,
      consumerDies: 0.03,
    };
    const recorded = new Map<string, number>();
    deployment.afterCommand = () => {
      const rows = deployment.shards[0]?.sql.peek<{ task: string; record: string }>(
        "SELECT task_id AS task, record FROM steps",
      );
      for (const { task, record } of rows ?? []) {
        const { name, state } = JSON.parse(record) as { name: string; state: string };
        const runs = deployment.services.ran.get(`${task} ${name}`) ?? 0;
        if (state !== "done") continue;
        const before = recorded.get(`${task} ${name}`);
        if (before === undefined) recorded.set(`${task} ${name}`, runs);
        // Runs that were under way when it was recorded may still end: of consumers that are lost.
        else if (runs > before) repeated += 1;
      }
    };
    await deployment.submit(20, "order");
    await deployment.pass(60_000);
    deployment.faults = NO_DEPLOYMENT_FAULTS;
    await deployment.untilEnded(20, 900_000);
    for (const table of ["tasks", "steps", "events"]) {
      expect(deployment.shards[0]?.sql.peek(`SELECT * FROM ${table}`)).toEqual([]);
    }
  }
  expect(repeated).toBe(0);
});

it("a sleep of an hour costs nothing in between", async () => {
  const sleeper = defineTask({
    name: "sleeper",
    params: z.object({}),
    handler: async (_params, ctx) => {
      await ctx.sleep(3_600);
      return "awake";
    },
  });
  const deployment = deploy([sleeper]);
  const [id = ""] = await deployment.submit(1, "sleeper");
  await deployment.pass(30_000);
  const shard = deployment.shards[0];
  expect(shard?.ledger.get(id)?.state).toBe("SUSPENDED");
  expect(shard?.ledger.questions.whyWaiting(id)).toMatchObject({ reason: "sleep" });
  const { bells, commands } = deployment;
  const ticks = shard?.ticks;
  await deployment.pass(3_500_000);
  expect([deployment.bells, deployment.commands, shard?.ticks]).toEqual([bells, commands, ticks]);
  await deployment.pass(100_000);
  expect(deployment.history.get(id)).toMatchObject({ state: "SUCCESS", result: '"awake"' });
  expect(deployment.starts).toHaveLength(2);
});

it("a step has tries of its own, and gives the consumer up between them", async () => {
  const flaky = defineTask({
    name: "flaky",
    params: z.object({}),
    maxRetries: 0,
    handler: (_params, ctx) =>
      ctx.step(
        "call",
        ({ attempt, idempotencyKey }) => {
          note(ctx.services, idempotencyKey);
          if (attempt < 3) throw new TypeError(`try ${attempt}`);
          return attempt;
        },
        { maxRetries: 3, retryDelaySeconds: 60, retryBackoff: true },
      ),
  });
  const { deployment, id, ended, ran } = await run(flaky, 170_000);
  expect(ended).toBeUndefined();
  expect(deployment.shards[0]?.ledger.questions.whyWaiting(id)).toMatchObject({
    reason: "step_retry",
    name: "call",
  });
  await deployment.pass(20_000);
  expect(deployment.history.get(id)).toMatchObject({ state: "SUCCESS", result: "3", retries: 0 });
  // One key for all tries.
  expect([...ran.values()]).toEqual([3]);
});

it("a step that failed for good stays failed where its handler went on, and is run anew by a retry", async () => {
  const caught = defineTask({
    name: "caught",
    params: z.object({}),
    handler: async (_params, ctx) => {
      let failure = "";
      try {
        await ctx.step("risky", () => {
          note(ctx.services, "risky");
          throw new RangeError("no");
        });
      } catch (error) {
        failure = String(error);
      }
      await ctx.step("after", () => null);
      await ctx.sleep(1);
      return failure;
    },
  });
  const uncaught = defineTask({
    name: "uncaught",
    params: z.object({}),
    autoretryFor: [RangeError],
    defaultRetryDelaySeconds: 1,
    handler: async (_params, ctx) => {
      await ctx.step("first", () => note(ctx.services, "first"));
      return ctx.step("risky", () => {
        note(ctx.services, "risky");
        if (ctx.retries < 2) throw new RangeError("not yet");
        return ctx.retries;
      });
    },
  });
  const one = await run(caught);
  expect(one.ended).toMatchObject({ state: "SUCCESS", result: '"RangeError: no"' });
  expect(one.ran.get("risky")).toBe(1);
  const two = await run(uncaught);
  expect(two.ended).toMatchObject({ state: "SUCCESS", result: "2", retries: 2 });
  expect(Object.fromEntries(two.ran)).toEqual({ first: 1, risky: 3 });
});

const waiter = defineTask({
  name: "waiter",
  params: z.object({}),
  handler: async (_params, ctx) => {
    try {
      return await ctx.waitForEvent("paid", { timeoutSeconds: 60 });
    } catch (error) {
      if (!(error instanceof EventTimeoutError)) throw error;
      await ctx.sleep(1);
      return "too late";
    }
  },
});

function paid(payload: string, key: string | null = null) {
  return { name: "paid", payload, key };
}

it("an event wakes the task that waits for it, and one that came before is taken at once", async () => {
  const deployment = deploy([waiter]);
  const [id = ""] = await deployment.submit(1, "waiter");
  await deployment.pass(30_000);
  const ledger = deployment.shards[0]?.ledger;
  expect(ledger?.questions.whyWaiting(id)).toMatchObject({ reason: "event", name: "paid" });
  expect(ledger?.sendEvent(id, { name: "other", payload: "0", key: null })).toBe("delivered");
  await deployment.pass(1_000);
  expect(deployment.history.has(id)).toBe(false);
  expect(ledger?.sendEvent(id, paid('{"amount":5}'))).toBe("delivered");
  await deployment.pass(1_000);
  expect(deployment.history.get(id)).toMatchObject({ result: '{"amount":5}' });
  expect(ledger?.sendEvent(id, paid("1"))).toBe("ended");

  const early = deployment.spec(0, "waiter", { dueAt: deployment.world.now() + 5_000 });
  await ledger?.submit([early]);
  expect(ledger?.sendEvent(early.id, paid("1", "k"))).toBe("delivered");
  expect(ledger?.sendEvent(early.id, paid("1", "k"))).toBe("exists");
  await deployment.pass(6_000);
  expect(deployment.history.get(early.id)).toMatchObject({ state: "SUCCESS", result: "1" });
});

it("a wait that timed out says so in every later run, and eats no later event", async () => {
  const deployment = deploy([waiter]);
  const [id = ""] = await deployment.submit(1, "waiter");
  await deployment.pass(61_000);
  const ledger = deployment.shards[0]?.ledger;
  expect(ledger?.sendEvent(id, paid("1"))).toBe("delivered");
  await deployment.pass(5_000);
  expect(deployment.history.get(id)).toMatchObject({ state: "SUCCESS", result: '"too late"' });
});

it("events of one name are taken in the order of their delivery, each once", async () => {
  const collector = defineTask({
    name: "collector",
    params: z.object({}),
    handler: async (_params, ctx) => {
      const taken: unknown[] = [];
      while (taken.length < 3) taken.push(await ctx.waitForEvent("item"));
      return taken;
    },
  });
  const deployment = deploy([collector]);
  const [id = ""] = await deployment.submit(1, "collector");
  await deployment.pass(1_000);
  for (const payload of ["1", "2"]) {
    deployment.shards[0]?.ledger.sendEvent(id, { name: "item", payload, key: null });
  }
  await deployment.pass(1_000);
  deployment.shards[0]?.restart();
  deployment.shards[0]?.ledger.sendEvent(id, { name: "item", payload: "3", key: null });
  await deployment.pass(60_000);
  expect(deployment.history.get(id)).toMatchObject({ result: "[1,2,3]" });
});

it("a changed order of steps fails the task before anything new runs, and says what changed", async () => {
  let isDeployed = false;
  let hasRun = false;
  const changed = defineTask({
    name: "changed",
    params: z.object({}),
    autoretryFor: [Error],
    handler: async (_params, ctx) => {
      if (isDeployed) await ctx.step("new", () => (hasRun = true)).catch(() => 0);
      await ctx.step("old", () => 1);
      await ctx.sleep(10);
    },
  });
  const deployment = deploy([changed]);
  const [id = ""] = await deployment.submit(1, "changed");
  await deployment.pass(5_000);
  isDeployed = true;
  await deployment.pass(20_000);
  const ended = deployment.history.get(id);
  expect(ended).toMatchObject({ state: "FAILURE", retries: 0, isDeadLettered: true });
  expect(hasRun).toBe(false);
  expect(ended?.error).toMatchObject({
    exc_type: "StepOrderError",
    exc_message:
      "Runs before this one came to step 'old' first: steps have to come in the same order in every run.",
  });
});

it("a suspended task is revoked at once and never goes on; a purge leaves it alone", async () => {
  const deployment = deploy([waiter]);
  const [id = "", other = ""] = await deployment.submit(2, "waiter");
  await deployment.pass(1_000);
  const ledger = deployment.shards[0]?.ledger;
  expect(ledger?.purgeSome("default", { parked: 0, id: "" })).toMatchObject({ revoked: 0 });
  expect(ledger?.revoke(id, false)?.state).toBe("REVOKED");
  ledger?.sendEvent(other, paid("2"));
  await deployment.pass(100_000);
  expect(deployment.history.get(id)).toMatchObject({ state: "REVOKED" });
  expect(deployment.history.get(other)).toMatchObject({ state: "SUCCESS" });
  expect(deployment.starts).toHaveLength(3);
});

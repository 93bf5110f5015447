import { expect, it } from "vitest";
import * as z from "zod";
import {
  createTaskDefiner,
  effectKey,
  type AnyTaskDefinition,
  type EffectContext,
  type StepRecord,
  type TaskContext,
} from "#engine";
import type { World } from "../../src/testing/world.ts";
import { Deployment, NO_DEPLOYMENT_FAULTS } from "./deployment.ts";
import { EffectBook } from "./effect-book.ts";

interface Services {
  readonly world: World;
  /** The effects that were made: their keys, and whether they were told that they may be a repetition. */
  readonly made: { readonly key: string; readonly isRepeat: boolean }[];
  readonly book: EffectBook;
}
type Ctx = TaskContext<Services>;

const SEEDS = Number(process.env["SIM_SEEDS"] ?? 40);
const define = createTaskDefiner<Services>();
const params = z.object({ n: z.number().default(0) });
const retried = {
  params,
  autoretryFor: [RangeError],
  defaultRetryDelaySeconds: 1,
  retryBackoff: false,
} as const;

function deploy(tasks: readonly AnyTaskDefinition<Services>[], seed = 1): Deployment<Services> {
  const services = (world: World): Services => ({ world, made: [], book: new EffectBook() });
  return new Deployment(tasks, { seed, shards: 1, services });
}

/** Makes an effect and notes it: how often it was made by then is what it gives. */
function make({ services }: Ctx) {
  return ({ idempotencyKey: key, isRepeat }: EffectContext) =>
    services.made.push({ key, isRepeat });
}

async function start(handler: (ctx: Ctx) => unknown, options: { timeLimitSeconds?: number } = {}) {
  const task = define({
    name: "t",
    ...retried,
    ...options,
    handler: (_params, ctx) => handler(ctx),
  });
  const deployment = deploy([task]);
  const [id = ""] = await deployment.submit(1, "t");
  const [shard] = deployment.shards;
  if (shard === undefined) throw new Error("no shard");
  const { made } = deployment.services;
  return { deployment, id, shard, made, ended: () => deployment.history.get(id) };
}

it("an effect is made once over retries and resumes, and gives the same every time", async () => {
  const got: unknown[] = [];
  const { deployment, id, made, ended } = await start(async (ctx) => {
    got.push(await ctx.once("charge", (effect) => ({ receipt: make(ctx)(effect) })));
    if (ctx.retries < 2) throw new RangeError("not yet");
    await ctx.sleep(60);
    got.push(await ctx.once("charge", () => ({ receipt: 0 })));
    return got.length;
  });
  await deployment.pass(100_000);
  expect(ended()).toMatchObject({ state: "SUCCESS", retries: 2, result: "5" });
  expect(made).toEqual([{ key: effectKey(id, "charge"), isRepeat: false }]);
  expect(got).toEqual(Array.from({ length: 5 }, () => ({ receipt: 1 })));
  expect(ended()?.steps?.map(({ kind, name, state }) => [kind, name, state])).toEqual([
    ["once", "charge", "done"],
    ["sleep", "sleep", "waiting"],
  ]);
  expect(deployment.shards[0]?.sql.peek("SELECT * FROM steps")).toEqual([]);
});

it("one that threw is run by the next attempt, which is told that it may have happened", async () => {
  const { deployment, id, made, ended } = await start((ctx) =>
    ctx.once("charge", (effect) => {
      const runs = make(ctx)(effect);
      if (runs < 3) throw new RangeError("time-out");
      return runs;
    }),
  );
  await deployment.pass(60_000);
  expect(ended()).toMatchObject({ state: "SUCCESS", retries: 2, result: "3" });
  const key = effectKey(id, "charge");
  expect(made).toEqual([false, true, true].map((isRepeat) => ({ key, isRepeat })));
});

it("that it began is known before it runs, and shown with the task", async () => {
  const { deployment, id, shard } = await start((ctx) =>
    ctx.once("charge", () => ctx.services.world.sleep(10_000)),
  );
  await deployment.pass(5_000);
  expect(shard.ledger.get(id)?.steps).toMatchObject([
    { kind: "once", name: "charge", state: "started", tries: 1, finishedAt: null },
  ]);
});

it("asked for twice in an attempt it is one, also when it throws", async () => {
  const { deployment, made, ended } = await start(async (ctx) => {
    const first = ctx.once("a", make(ctx));
    const same = ctx.once("a", make(ctx)) === first;
    const fails = () => {
      throw new TypeError("no");
    };
    const thrown = await Promise.allSettled([ctx.once("b", fails), ctx.once("b", make(ctx))]);
    return [same, await first, await ctx.once("a", make(ctx)), thrown.map(({ status }) => status)];
  });
  await deployment.pass(10_000);
  expect(ended()?.result).toBe('[true,1,1,["rejected","rejected"]]');
  expect(made).toHaveLength(1);
});

it("effects come in any order, among steps, and are none of them", async () => {
  const { deployment, made, ended } = await start(async (ctx) => {
    const names = ctx.retries === 0 ? ["a", "b"] : ["c", "b", "a"];
    await ctx.step("a", () => 1);
    const got = await Promise.all(names.map((name) => ctx.once(name, make(ctx))));
    await ctx.step("b", () => 2);
    if (ctx.retries === 0) throw new RangeError("again");
    return got;
  });
  await deployment.pass(10_000);
  expect(ended()).toMatchObject({ state: "SUCCESS", result: "[3,2,1]" });
  expect(made).toHaveLength(3);
});

it("a step that stands behind a slow effect is waited for, and not taken for one that is missing", async () => {
  const { deployment, ended } = await start(async (ctx) => {
    const { world } = ctx.services;
    await Promise.all([
      ctx
        .once("a", async ({ isRepeat }) => {
          if (!isRepeat) throw new TypeError("no");
          await world.sleep(25_000);
        })
        .catch(() => null)
        .then(() => ctx.step("x", () => 1)),
      world.sleep(100).then(() => ctx.step("y", () => 2)),
    ]);
    if (ctx.retries < 1) throw new RangeError("again");
  });
  await deployment.pass(60_000);
  expect(ended()).toMatchObject({ state: "SUCCESS", retries: 1 });
});

it("a step whose failure led to an effect stays failed, also in the task's retry", async () => {
  const { deployment, made, ended } = await start(async (ctx) => {
    let wentWrong = false;
    try {
      await ctx.step("risky", () => {
        if (ctx.retries < 1) throw new TypeError("no");
      });
    } catch {
      wentWrong = true;
      await ctx.once("undo", make(ctx));
    }
    if (ctx.retries < 1) throw new RangeError("again");
    return wentWrong;
  });
  await deployment.pass(30_000);
  expect(ended()).toMatchObject({ state: "SUCCESS", retries: 1, result: "true" });
  expect(made).toHaveLength(1);
});

it("a run is not suspended while an effect is in progress", async () => {
  const { deployment, made, ended } = await start((ctx) =>
    Promise.all([
      ctx.sleep(1),
      ctx.once("slow", async (effect) => {
        await ctx.services.world.sleep(20_000);
        return make(ctx)(effect);
      }),
    ]),
  );
  await deployment.pass(100_000);
  expect(ended()).toMatchObject({ state: "SUCCESS", result: "[null,1]" });
  expect(made.map(({ isRepeat }) => isRepeat)).toEqual([false]);
});

it("what won a race before an effect has won it in every run", async () => {
  const { deployment, id, shard, ended } = await start(async (ctx) => {
    const wins = await Promise.race([
      ctx.waitForEvent("cancel"),
      ctx.sleep(10).then(() => "the sleep"),
    ]);
    await ctx.once("ship", make(ctx));
    if (ctx.retries < 1) throw new RangeError("again");
    return wins;
  });
  await deployment.pass(10_500);
  shard.ledger.sendEvent(id, { name: "cancel", payload: '"too late"', key: null });
  await deployment.pass(60_000);
  expect(ended()).toMatchObject({ state: "SUCCESS", retries: 1, result: '"the sleep"' });
});

it("an effect that outlives its attempt takes nothing from the next one, which runs beside it", async () => {
  const { deployment, ended } = await start(async (ctx) => {
    const { world } = ctx.services;
    const slow = ctx.once("slow", () => world.sleep(ctx.retries === 0 ? 200 : 1));
    if (ctx.retries === 0) {
      await world.sleep(50);
      ctx.retry({ countdown: 0 });
    }
    await slow;
    await world.sleep(500);
    return ctx.attempt;
  });
  await deployment.pass(600_000);
  expect(ended()).toMatchObject({ state: "SUCCESS", result: "2" });
  expect(ended()?.attempts.map(({ outcome }) => outcome)).toEqual(["retry", "success"]);
});

it("what was done before a time limit cut the attempt off is known afterwards", async () => {
  const { deployment, id, shard, made } = await start(
    async (ctx) => {
      await ctx.once("a", async (effect) => {
        await ctx.services.world.sleep(25_000);
        return make(ctx)(effect);
      });
      await ctx.once("b", make(ctx));
    },
    { timeLimitSeconds: 20 },
  );
  await deployment.pass(60_000);
  // It ended meanwhile: nothing is recorded any more, and nothing new begins.
  expect(deployment.history.get(id)?.error?.exc_type).toBe("TimeLimitExceeded");
  expect(made).toHaveLength(1);
  expect(shard.sql.peek("SELECT * FROM steps")).toEqual([]);
});

it("a ledger that is out of reach for a while fails no task and repeats no effect", async () => {
  const { deployment, shard, made, ended } = await start((ctx) => ctx.once("charge", make(ctx)));
  const record = shard.ledger.recordSteps.bind(shard.ledger);
  let calls = 0;
  shard.ledger.recordSteps = (entries) => {
    calls += 1;
    // Every other call gets lost, and every other answer.
    if (calls % 4 === 1) throw new Error("Durable Object reset");
    const held = record(entries);
    if (calls % 4 === 2) throw new Error("Network connection lost");
    return held;
  };
  await deployment.pass(30_000);
  expect(ended()).toMatchObject({ state: "SUCCESS", result: "1" });
  expect(made).toHaveLength(1);
});

const cycle: unknown[] = [];
cycle.push(cycle);

it.each([
  ["too large", "x".repeat(300_000)],
  ["a function", () => 1],
  ["a BigInt", 1n],
  ["a cycle", cycle],
])(
  "a result that can't be kept (%s) fails the task for good, whatever is retried",
  async (_what, result) => {
    const { deployment, made, ended } = await start(async (ctx) => {
      try {
        await ctx.once("charge", (effect) => {
          make(ctx)(effect);
          return result;
        });
      } catch (error) {
        // As a task with `autoretryFor: [TypeError]` would.
        throw error instanceof TypeError ? new RangeError("again") : error;
      }
    });
    await deployment.pass(30_000);
    expect(ended()).toMatchObject({ state: "FAILURE", error: { exc_type: "StepLimitError" } });
    expect(made).toHaveLength(1);
  },
);

it("a name has 1 to 100 characters", async () => {
  for (const name of ["", "x".repeat(101), `${"x".repeat(100)}[10000]`, "a\nb"]) {
    const { deployment, made, ended } = await start((ctx) => ctx.once(name, make(ctx)));
    await deployment.pass(10_000);
    expect(ended()?.error).toMatchObject({ exc_type: "InvalidOptionError" });
    expect(made).toEqual([]);
  }
});

const batch = (size: number, most: (ctx: Ctx) => Promise<unknown>) =>
  define({
    name: "batch",
    ...retried,
    batch: {
      size,
      handler: (calls) => Promise.allSettled(calls.map(({ ctx }) => most(ctx))),
    },
  });

it("the calls of a batch record theirs side by side, in two requests", async () => {
  const task = batch(20, (ctx) => ctx.once("send", make(ctx)));
  const deployment = deploy([task]);
  const [shard] = deployment.shards;
  if (shard === undefined) throw new Error("no shard");
  const record = shard.ledger.recordSteps.bind(shard.ledger);
  const requests: number[] = [];
  shard.ledger.recordSteps = (entries) => {
    requests.push(entries.length);
    return record(entries);
  };
  await shard.ledger.submit(Array.from({ length: 20 }, () => deployment.spec(0, "batch")));
  await deployment.untilEnded(20, 10_000);
  expect(requests).toEqual([20, 20]);
  const { made } = deployment.services;
  expect(new Set(made.map(({ key }) => key)).size).toBe(20);
});

it("a call of a batch that fails is retried alone, with what it made", async () => {
  const task = batch(5, async (ctx) => {
    const nth = await ctx.once("send", make(ctx));
    if (nth === 3 && ctx.retries === 0) throw new RangeError("again");
    return nth;
  });
  const deployment = deploy([task]);
  const ids = await deployment.submit(5, "batch");
  await deployment.untilEnded(5, 30_000);
  const results = ids.map((id) => Number(deployment.history.get(id)?.result));
  expect(results.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5]);
  expect(deployment.services.made).toHaveLength(5);
});

it("a call of a batch that is terminated keeps no other back", async () => {
  const task = batch(3, (ctx) =>
    ctx.once("send", async (effect) => {
      await ctx.services.world.sleep(20_000);
      return make(ctx)(effect);
    }),
  );
  const deployment = deploy([task]);
  const ids = await deployment.submit(3, "batch");
  await deployment.pass(1_000);
  deployment.shards[0]?.ledger.revoke(ids[1] ?? "", true);
  await deployment.pass(30_000);
  expect(ids.map((id) => deployment.history.get(id)?.state)).toEqual([
    "SUCCESS",
    "REVOKED",
    "SUCCESS",
  ]);
});

it("an item of a map has effects of its own, which a retry of the map does not make again", async () => {
  const send = define({
    name: "send",
    ...retried,
    handler: async ({ n }, ctx) => {
      const nth = await ctx.once("send", make(ctx));
      if (n === 2 && ctx.retries === 0) throw new RangeError("again");
      return nth;
    },
  });
  const deployment = deploy([send]);
  const kwargs = JSON.stringify({ task: { task: "send" }, it: [0, 1, 2, 3] });
  const [id = ""] = await deployment.submit(1, "celery.map", () => ({ kwargs }));
  await deployment.pass(30_000);
  expect(deployment.history.get(id)).toMatchObject({ state: "SUCCESS", result: "[1,2,3,4]" });
  expect(deployment.services.made.map(({ key }) => key)).toEqual(
    [0, 1, 2, 3].map((item) => effectKey(id, `send[${item}]`)),
  );
});

/** An effect that takes a while, and is in the book of those who are asked for it. */
async function entered(ctx: Ctx, name: string): Promise<void> {
  const { world, book } = ctx.services;
  const result = await ctx.once(name, async (effect) => {
    await world.sleep(world.between(0, 30));
    const answer = book.run(effect);
    await world.sleep(world.between(0, 30));
    return answer;
  });
  book.got(effectKey(ctx.taskId, name), result);
}

const mixed = define({
  name: "mixed",
  ...retried,
  maxRetries: null,
  handler: async (_params, ctx) => {
    await Promise.all([
      entered(ctx, "a"),
      ctx.step("s", () => 1).then(() => entered(ctx, "b")),
      ctx.sleep(3).then(() => entered(ctx, "c")),
    ]);
    if (ctx.retries < 2) throw new RangeError("again");
    await ctx.sleep(5);
    await entered(ctx, "a");
    await entered(ctx, "d");
  },
});

const twenty = batch(7, async (ctx) => {
  await Promise.all([entered(ctx, "a"), entered(ctx, "b")]);
  if (ctx.retries < 1) throw new RangeError("again");
  await entered(ctx, "b");
});

it("whatever dies, one run at most is the first, and none comes after the record", async () => {
  let repeated = 0;
  const violations: unknown[] = [];
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const deployment = deploy([mixed, twenty], seed);
    const { book } = deployment.services;
    deployment.faults = {
      ...NO_DEPLOYMENT_FAULTS,
      bellLost: 0.1,
      ledgerDies: 0.02,
      consumerDies: 0.03,
    };
    deployment.afterCommand = () => {
      const rows = deployment.shards[0]?.sql.peek<{ task_id: string; record: string }>(
        "SELECT task_id, record FROM steps",
      );
      const steps = (rows ?? []).map(({ task_id: taskId, record }) => ({
        taskId,
        step: JSON.parse(record) as StepRecord,
      }));
      try {
        book.committed(steps.filter(({ step }) => step.kind === "once"));
      } catch (error) {
        violations.push(error);
      }
    };
    await deployment.submit(10, "mixed");
    await deployment.submit(20, "batch");
    await deployment.pass(60_000);
    deployment.faults = NO_DEPLOYMENT_FAULTS;
    await deployment.untilEnded(30, 900_000);
    const states = new Set(Array.from(deployment.history.values(), ({ state }) => state));
    states.delete("FAILURE");
    expect([...states]).toEqual(["SUCCESS"]);
    for (const { error } of deployment.history.values()) {
      // Three times in a row their consumer died over them, and not for another reason.
      if (error !== null) expect(error.exc_type).toBe("WorkerLostError");
    }
    expect(deployment.shards[0]?.sql.peek("SELECT * FROM steps")).toEqual([]);
    repeated += book.repeated;
  }
  expect(violations).toEqual([]);
  // Else nothing was tried.
  expect(repeated).toBeGreaterThan(SEEDS);
});

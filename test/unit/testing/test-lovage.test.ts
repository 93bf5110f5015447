import { expect, it, vi } from "vitest";
import * as z from "zod";
import { createTaskDefiner, type AnyTaskDefinition, type Clock } from "#engine";
import { createTestLovage } from "#testing";

interface Services {
  /** What ran, with the seconds since the beginning. */
  readonly ran: string[];
  readonly clock: Clock;
}

const defineTask = createTaskDefiner<Services>();
const NOON = new Date("2030-01-01T12:00:00Z");

const greet = defineTask({
  name: "greet",
  params: z.object({ who: z.string() }),
  handler: ({ who }, { services }) => {
    const seconds = (services.clock.now() - NOON.getTime()) / 1_000;
    services.ran.push(`${who} ${seconds}`);
    return `Hello ${who}`;
  },
});

function deploy(tasks: readonly AnyTaskDefinition<Services>[] = [greet], shards = 1) {
  const ran: string[] = [];
  const services = (clock: Clock) => ({ ran, clock });
  return { ran, t: createTestLovage({ tasks, services, shards, now: NOON }) };
}

it("nothing runs until the test says so", async () => {
  const { t, ran } = deploy();
  const { taskId } = await t.lovage.delay(greet, { who: "Ada" });
  expect(t.task(taskId)).toMatchObject({ state: "PENDING", waiting: { reason: "backlog" } });
  await t.runDue();
  expect(t.task(taskId)?.state).toBe("SUCCESS");
  expect(t.result(taskId)).toBe("Hello Ada");
  expect(ran).toEqual(["Ada 0"]);
  expect(t.now()).toEqual(NOON);
});

it("a countdown of an hour ends when an hour has passed, and not before", async () => {
  const { t, ran } = deploy();
  const { taskId } = await t.lovage.applyAsync(greet, { who: "Ada" }, { countdown: 3_600 });
  await t.advance({ minutes: 59, seconds: 59, milliseconds: 999 });
  expect(t.task(taskId)).toMatchObject({ state: "PENDING", waiting: { reason: "eta" } });
  await t.advance({ milliseconds: 1 });
  expect(t.task(taskId)?.state).toBe("SUCCESS");
  expect(ran).toEqual(["Ada 3600"]);
});

it("what becomes due on the way runs in its order and at its time", async () => {
  const { t, ran } = deploy([greet], 4);
  for (const [who, seconds] of Object.entries({ c: 30, a: 10, d: 86_400, b: 20 })) {
    await t.lovage.applyAsync(greet, { who }, { eta: new Date(NOON.getTime() + seconds * 1_000) });
  }
  await t.advanceTo(new Date("2030-01-03T00:00:00Z"));
  expect(ran).toEqual(["a 10", "b 20", "c 30", "d 86400"]);
  await expect(t.advanceTo(NOON)).rejects.toThrow("only passes forward");
});

it("retries wait for their backoff", async () => {
  const flaky = defineTask({
    name: "flaky",
    params: z.object({}),
    autoretryFor: [Error],
    retryBackoff: 60,
    retryJitter: false,
    maxRetries: 2,
    handler: (_params, { services, retries }) => {
      services.ran.push(`${retries} ${(services.clock.now() - NOON.getTime()) / 1_000}`);
      throw new Error("down");
    },
  });
  const { t, ran } = deploy([flaky]);
  const { taskId } = await t.lovage.delay(flaky, {});
  await t.runDue();
  expect(t.task(taskId)).toMatchObject({ state: "RETRY", retries: 1 });
  await t.advance({ seconds: 59 });
  expect(ran).toEqual(["0 0"]);
  await t.advance({ hours: 1 });
  expect(ran).toEqual(["0 0", "1 60", "2 180"]);
  expect(t.task(taskId)).toMatchObject({
    state: "FAILURE",
    isDeadLettered: true,
    error: { exc_message: "down" },
  });
});

it("what expires first is revoked", async () => {
  const { t, ran } = deploy();
  const { taskId } = await t.lovage.applyAsync(greet, { who: "Ada" }, { expires: 60 });
  const other = await t.lovage.applyAsync(greet, { who: "Bob" }, { countdown: 50, expires: 60 });
  t.revoke(other.taskId);
  await t.advance({ minutes: 2 });
  // Due at once, so it ran before it could expire.
  expect(t.task(taskId)?.state).toBe("SUCCESS");
  expect(t.task(other.taskId)?.state).toBe("REVOKED");

  const limited = defineTask({
    name: "limited",
    params: z.object({}),
    rateLimit: "1/h",
    handler: () => null,
  });
  const deployed = deploy([limited]).t;
  const ids = [0, 1].map(() => deployed.lovage.applyAsync(limited, {}, { expires: 60 }));
  await deployed.advance({ minutes: 2 });
  const states = (await Promise.all(ids)).map((id) => deployed.task(id.taskId)?.state);
  expect(states).toContain("SUCCESS");
  expect(states).toContain("REVOKED");
  expect(ran).toEqual(["Ada 0"]);
});

it("a rate holds over all shards", async () => {
  const limited = defineTask({
    name: "limited",
    params: z.object({}),
    rateLimit: "6/m",
    handler: (_params, { services }) => {
      services.ran.push(String(services.clock.now()));
    },
  });
  const { t, ran } = deploy([limited], 3);
  for (let n = 0; n < 12; n += 1) await t.lovage.delay(limited, {});
  await t.runDue();
  expect(ran).toHaveLength(1);
  await t.advance({ seconds: 59 });
  expect(ran).toHaveLength(6);
  await t.advance({ minutes: 2 });
  expect(ran).toHaveLength(12);
  const gaps = ran.slice(1).map((at, n) => Number(at) - Number(ran[n]));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(10_000);
});

it("concurrency holds while one sleeps through nothing but real time", async () => {
  let running = 0;
  let most = 0;
  const single = defineTask({
    name: "single",
    params: z.object({}),
    concurrency: 1,
    handler: async () => {
      most = Math.max(most, (running += 1));
      await new Promise((resolve) => setTimeout(resolve, 5));
      running -= 1;
    },
  });
  const { t } = deploy([single], 2);
  const ids = await t.lovage.sendAll([single.s({}), single.s({}), single.s({})]);
  await t.advance({ seconds: 1 });
  expect(ids.map((id) => t.task(id)?.state)).toEqual(["SUCCESS", "SUCCESS", "SUCCESS"]);
  expect(most).toBe(1);
});

it("a unique call is one with the call that waits", async () => {
  const { t, ran } = deploy([greet], 4);
  const first = await t.lovage.applyAsync(greet, { who: "Ada" }, { unique: true });
  const second = await t.lovage.applyAsync(greet, { who: "Ada" }, { unique: true });
  expect(second).toEqual({ taskId: first.taskId, answer: "duplicate" });
  await t.runDue();
  await t.lovage.applyAsync(greet, { who: "Ada" }, { unique: true });
  await t.runDue();
  expect(ran).toEqual(["Ada 0", "Ada 0"]);
});

it("a durable sleep of a day gives the consumer up and goes on a day later", async () => {
  const trial = defineTask({
    name: "trial",
    params: z.object({}),
    handler: async (_params, ctx) => {
      await ctx.step("welcome", () => ctx.services.ran.push("welcome"));
      await ctx.sleep(86_400);
      await ctx.lovage.delay(greet, { who: "back" });
      return ctx.waitForEvent("answer");
    },
  });
  const { t, ran } = deploy([trial, greet]);
  const { taskId } = await t.lovage.delay(trial, {});
  await t.runDue();
  expect(t.task(taskId)).toMatchObject({ state: "SUSPENDED", waiting: { reason: "sleep" } });
  await t.advance({ hours: 23 });
  expect(ran).toEqual(["welcome"]);
  await t.advance({ hours: 1 });
  expect(ran).toEqual(["welcome", "back 86400"]);
  expect(t.task(taskId)).toMatchObject({ state: "SUSPENDED", waiting: { reason: "event" } });
  expect(t.sendEvent(taskId, "answer", { stays: true })).toBe("delivered");
  await t.runDue();
  expect(t.result(taskId)).toEqual({ stays: true });
  expect(t.sendEvent(taskId, "answer")).toBe("ended");
});

it("an effect is remembered over retries and sleeps", async () => {
  const order = defineTask({
    name: "order",
    params: z.object({}),
    autoretryFor: [Error],
    handler: async (_params, ctx) => {
      const nth = await ctx.once("charge", () => ctx.services.ran.push("charge"));
      if (ctx.retries === 0) throw new Error("again");
      await ctx.sleep(3_600);
      return [nth, await ctx.once("charge", () => ctx.services.ran.push("charge"))];
    },
  });
  const { t, ran } = deploy([order]);
  const { taskId } = await t.lovage.delay(order, {});
  await t.advance({ hours: 2 });
  expect(t.result(taskId)).toEqual([1, 1]);
  expect(ran).toEqual(["charge"]);
  expect(t.task(taskId)?.steps).toMatchObject([{ kind: "once", state: "done" }, { kind: "sleep" }]);
});

it("what a task made before it became another is shown with it, and is not made again", async () => {
  const order = defineTask({
    name: "order",
    params: z.object({}),
    autoretryFor: [Error],
    handler: async (_params, ctx) => {
      await ctx.once("charge", () => ctx.services.ran.push("charge"));
      if (ctx.retries === 0) throw new Error("again");
      return ctx.replace(greet.s({ who: "Ada" }));
    },
  });
  const { t, ran } = deploy([order, greet]);
  const { taskId } = await t.lovage.delay(order, {});
  await t.advance({ hours: 1 });
  expect(t.task(taskId)).toMatchObject({ state: "SUCCESS", steps: [{ name: "charge" }] });
  expect(ran.map((what) => what.split(" ")[0])).toEqual(["charge", "Ada"]);
});

it("a task that is revoked in time does not run", async () => {
  const { t, ran } = deploy();
  const { taskId } = await t.lovage.applyAsync(greet, { who: "Ada" }, { countdown: 10 });
  expect(t.revoke(taskId)?.state).toBe("REVOKED");
  await t.advance({ days: 1 });
  expect(ran).toEqual([]);
  expect(t.task(taskId)?.state).toBe("REVOKED");
  expect(t.revoke("00000000-0000-8000-8000-000000000000")).toBeNull();
});

it("tasks are found, live and finished ones, in the order of their submission", async () => {
  const { t } = deploy([greet], 4);
  const names = () => t.tasks({ name: "gr*" }).map(({ kwargs, state }) => `${kwargs} ${state}`);
  await t.lovage.delay(greet, { who: "a" });
  await t.advance({ days: 1 });
  await t.lovage.delay(greet, { who: "b" });
  await t.runDue();
  await t.lovage.applyAsync(greet, { who: "c" }, { countdown: 5 });
  expect(names()).toEqual(['{"who":"a"} SUCCESS', '{"who":"b"} SUCCESS', '{"who":"c"} PENDING']);
  expect(t.tasks({ state: "SUCCESS" })).toHaveLength(2);
  expect(t.tasks({ name: "other" })).toEqual([]);
});

it("a handler that waits for something real is waited for", async () => {
  const slow = defineTask({
    name: "slow",
    params: z.object({}),
    handler: async (_params, ctx) => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      return ctx.step("after", () => ctx.services.clock.now());
    },
  });
  const { t } = deploy([slow]);
  const { taskId } = await t.lovage.delay(slow, {});
  await t.runDue();
  expect(t.result(taskId)).toBe(NOON.getTime());
});

it("one that never ends is named, and ends by its time limit", async () => {
  const stuck = defineTask({
    name: "stuck",
    params: z.object({}),
    timeLimitSeconds: 60,
    handler: () => new Promise(() => undefined),
  });
  const { t } = deploy([stuck, greet]);
  const { taskId } = await t.lovage.delay(stuck, {});
  await expect(t.runDue()).rejects.toThrow(`stuck[${taskId}]: still at it`);
  const other = await t.lovage.delay(greet, { who: "Ada" });
  await t.advance({ minutes: 1, seconds: 1 });
  expect(t.task(taskId)?.error?.exc_type).toBe("TimeLimitExceeded");
  expect(t.task(other.taskId)?.state).toBe("SUCCESS");
});

it("a large result is kept, and read as any other", async () => {
  const large = defineTask({
    name: "large",
    params: z.object({}),
    handler: () => "x".repeat(600_000),
  });
  const { t } = deploy([large]);
  const { taskId } = await t.lovage.delay(large, {});
  await t.runDue();
  expect(t.task(taskId)).toMatchObject({ state: "SUCCESS", result: null });
  expect(t.result(taskId)).toHaveLength(600_000);
});

it("fake timers of the test are not in its way", async () => {
  vi.useFakeTimers();
  try {
    const { t } = deploy();
    const { taskId } = await t.lovage.applyAsync(greet, { who: "Ada" }, { countdown: 5 });
    await t.advance({ seconds: 5 });
    expect(t.result(taskId)).toBe("Hello Ada");
  } finally {
    vi.useRealTimers();
  }
});

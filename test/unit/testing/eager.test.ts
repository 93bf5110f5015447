import { afterEach, describe, expect, it, vi } from "vitest";
import * as z from "zod";
import {
  createTaskDefiner,
  effectKey,
  InvalidArgumentsError,
  Retry,
  UnknownTaskError,
} from "#engine";
import { createEagerLovage } from "#testing";

interface Services {
  readonly sent: string[];
}

const defineTask = createTaskDefiner<Services>();

class GatewayDown extends Error {}

const sendMail = defineTask({
  name: "send_mail",
  params: z.object({ to: z.string(), copies: z.number().int().default(1) }),
  handler: ({ to, copies }, { services }) => {
    services.sent.push(to);
    return { copies, at: new Date(0) };
  },
});

const charge = defineTask({
  name: "charge",
  params: z.object({ failures: z.number() }),
  autoretryFor: [GatewayDown],
  maxRetries: 2,
  defaultRetryDelaySeconds: 3_600,
  handler: ({ failures }, ctx) => {
    ctx.log("charging", { attempt: ctx.attempt });
    if (ctx.retries < failures) throw new GatewayDown("try later");
    return ctx.retries;
  },
});

const checkout = defineTask({
  name: "checkout",
  params: z.object({ failures: z.number() }),
  handler: async ({ failures }, ctx) => {
    await ctx.lovage.delay(sendMail, { to: "a@example.com" });
    await ctx.lovage.applyAsync(charge, { failures }, { countdown: 60 });
    return "done";
  },
});

const tasks = [sendMail, charge, checkout];

afterEach(() => {
  vi.useRealTimers();
});

function eager(propagates = false) {
  const services: Services = { sent: [] };
  return { services, lovage: createEagerLovage({ tasks, services, propagates }) };
}

it("a call runs at once in its caller, and its result is as JSON carries it", async () => {
  const { lovage, services } = eager();
  const { state, result, error, record } = await lovage.delay(sendMail, { to: "a@example.com" });
  expect(services.sent).toEqual(["a@example.com"]);
  expect({ state, result, error }).toEqual({
    state: "SUCCESS",
    result: { copies: 1, at: "1970-01-01T00:00:00.000Z" },
    error: null,
  });
  expect(record).toMatchObject({
    name: "send_mail",
    kwargs: '{"to":"a@example.com"}',
    retries: 0,
    attempts: [{ attempt: 1, outcome: "success" }],
  });
});

it("arguments are bound by position as deployed", async () => {
  const { lovage } = eager();
  const call = { ...sendMail.s({ to: "" }), args: ["b@example.com", 2], kwargs: {} };
  expect((await lovage.send(call)).result).toMatchObject({ copies: 2 });
});

it("bad calls are refused before anything runs", async () => {
  const { lovage, services } = eager();
  await expect(lovage.delay(sendMail, { to: 7 } as never)).rejects.toThrow(InvalidArgumentsError);
  const unknown = { ...sendMail.s({ to: "a" }), task: "unknown" };
  await expect(lovage.send(unknown)).rejects.toThrow(UnknownTaskError);
  await expect(
    lovage.applyAsync(sendMail, { to: "a" }, { countdown: 1, eta: new Date(0) }),
  ).rejects.toThrow("countdown");
  expect(services.sent).toEqual([]);
  expect(lovage.answers).toEqual([]);
});

it("retries follow without waiting, at most as many as the task has", async () => {
  const { lovage } = eager();
  const good = await lovage.delay(charge, { failures: 2 });
  expect(good).toMatchObject({ state: "SUCCESS", result: 2, record: { retries: 2 } });
  expect(good.record.attempts.map(({ outcome, logs }) => [outcome, logs?.[0]?.fields])).toEqual([
    ["retry", '{"attempt":1}'],
    ["retry", '{"attempt":2}'],
    ["success", '{"attempt":3}'],
  ]);
  const bad = await lovage.delay(charge, { failures: 3 });
  expect(bad).toMatchObject({
    state: "FAILURE",
    result: null,
    error: { exc_type: "Error", exc_message: "try later" },
    record: { retries: 2, isDeadLettered: true },
  });
});

describe("propagates", () => {
  it("throws what the task failed with, from a nested call too", async () => {
    const { lovage } = eager(true);
    await expect(lovage.delay(charge, { failures: 3 })).rejects.toThrow(GatewayDown);
    await expect(lovage.delay(checkout, { failures: 3 })).rejects.toThrow(GatewayDown);
    expect(lovage.answers.map(({ record, state }) => `${record.name} ${state}`)).toEqual([
      "charge FAILURE",
      "send_mail SUCCESS",
      "charge FAILURE",
      "checkout FAILURE",
    ]);
  });

  it("of a retry without retries left it is the cause", async () => {
    const cause = new RangeError("the cause");
    const task = defineTask({
      name: "t",
      params: z.object({ hasCause: z.boolean() }),
      maxRetries: 0,
      handler: ({ hasCause }, ctx) => ctx.retry(hasCause ? { cause } : {}),
    });
    const lovage = createEagerLovage({
      tasks: [task],
      services: { sent: [] },
      propagates: true,
    });
    await expect(lovage.delay(task, { hasCause: true })).rejects.toBe(cause);
    const exceeded = lovage.delay(task, { hasCause: false });
    await expect(exceeded).rejects.toThrow("no retries left");
    await expect(exceeded).rejects.not.toBeInstanceOf(Retry);
  });

  it("without it a failed subtask is its own affair", async () => {
    const { lovage, services } = eager();
    expect((await lovage.delay(checkout, { failures: 3 })).state).toBe("SUCCESS");
    expect(services.sent).toEqual(["a@example.com"]);
    expect(lovage.answers.map(({ state }) => state)).toEqual(["SUCCESS", "FAILURE", "SUCCESS"]);
  });
});

it("errbacks run when the task has failed", async () => {
  const { lovage, services } = eager();
  const linkError = [sendMail.s({ to: "admin@example.com" })].map((call) => ({
    ...call,
    immutable: true,
  }));
  await lovage.applyAsync(charge, { failures: 1 }, { linkError });
  expect(services.sent).toEqual([]);
  await lovage.applyAsync(charge, { failures: 9 }, { linkError });
  expect(services.sent).toEqual(["admin@example.com"]);
});

it("steps run once over all retries, sleeps are over at once, progress is in the answer", async () => {
  let reserved = 0;
  let tries = 0;
  const order = defineTask({
    name: "order",
    params: z.object({}),
    autoretryFor: [Error],
    handler: async (_params, ctx) => {
      const stock = await ctx.step("reserve", () => ({ left: (reserved += 1), at: undefined }));
      await ctx.sleep(86_400);
      await ctx.step(
        "ship",
        ({ attempt }) => {
          tries += 1;
          if (attempt < 3) throw new Error("no van");
        },
        { maxRetries: 2 },
      );
      ctx.progress({ current: 1, total: 2 });
      ctx.updateState("PACKING");
      if (ctx.retries === 0) throw new Error("once more");
      return stock;
    },
  });
  const lovage = createEagerLovage({ tasks: [order], services: { sent: [] } });
  const answer = await lovage.delay(order, {});
  expect(answer).toMatchObject({ state: "SUCCESS", result: { left: 1 }, record: { retries: 1 } });
  expect({ reserved, tries }).toEqual({ reserved: 1, tries: 3 });
  expect(answer.reported.map(({ state }) => state)).toEqual([
    "PROGRESS",
    "PACKING",
    "PROGRESS",
    "PACKING",
  ]);
});

it("an effect is made once over all retries, and the next attempt knows of one that threw", async () => {
  const made: string[] = [];
  const order = defineTask({
    name: "order",
    params: z.object({}),
    autoretryFor: [Error],
    batch: {
      size: 5,
      handler: (calls) =>
        Promise.allSettled(
          calls.map(async ({ ctx }) => {
            const at = await ctx.once("charge", () => ({ nth: made.push("charge") }));
            await ctx.once("ship", ({ isRepeat, idempotencyKey }) => {
              made.push(`${idempotencyKey === effectKey(ctx.taskId, "ship")} ${isRepeat}`);
              if (!isRepeat) throw new Error("no van");
            });
            return at;
          }),
        ),
    },
  });
  const lovage = createEagerLovage({ tasks: [order], services: { sent: [] } });
  const answer = await lovage.delay(order, {});
  expect(answer).toMatchObject({ state: "SUCCESS", result: { nth: 1 }, record: { retries: 1 } });
  expect(made).toEqual(["charge", "true false", "true true"]);
  // Another call is another task.
  await lovage.delay(order, {});
  expect(made.filter((what) => what === "charge")).toHaveLength(2);
});

it("events need the test lovage, and the error says so", async () => {
  const waiter = defineTask({
    name: "waiter",
    params: z.object({}),
    handler: (_params, ctx) => ctx.waitForEvent("paid"),
  });
  const lovage = createEagerLovage({ tasks: [waiter], services: { sent: [] }, propagates: true });
  await expect(lovage.delay(waiter, {})).rejects.toThrow("createTestLovage");
});

it("time limits and batch handlers are as deployed", async () => {
  const slow = defineTask({
    name: "slow",
    params: z.object({}),
    timeLimitSeconds: 60,
    softTimeLimitSeconds: 30,
    handler: async (_params, { signal }) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      services.sent.push(signal.reason.name);
      await new Promise(() => undefined);
    },
  });
  const batched = defineTask({
    name: "batched",
    params: z.object({ n: z.number() }),
    batch: {
      size: 10,
      handler: async (calls) =>
        calls.map(({ params }) => ({ status: "fulfilled" as const, value: params.n * 2 })),
    },
  });
  const services: Services = { sent: [] };
  const lovage = createEagerLovage({ tasks: [slow, batched], services });
  vi.useFakeTimers();
  const limited = lovage.delay(slow, {});
  await vi.advanceTimersByTimeAsync(30_000);
  expect(services.sent).toEqual(["SoftTimeLimitExceeded"]);
  await vi.advanceTimersByTimeAsync(30_000);
  expect((await limited).error?.exc_type).toBe("TimeLimitExceeded");
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
  expect(services.sent).toEqual(["SoftTimeLimitExceeded"]);
  expect((await lovage.delay(batched, { n: 21 })).result).toBe(42);
});

import { expect, it, vi } from "vitest";
import * as z from "zod";
import {
  createTaskDefiner,
  Registry,
  type AnyTaskDefinition,
  type ClaimedTask,
  type Settlement,
} from "#engine";
import type { LedgerDoor } from "#platform/consumer/door.ts";
import { drain } from "#platform/consumer/drain.ts";
import { Widths } from "#platform/consumer/widths.ts";
import type { GoneTask } from "#platform/ledger/protocol.ts";
import { World } from "../../../src/testing/world.ts";
import { NO_LARGE_RESULTS, noInput } from "../../no-large.ts";

const define = createTaskDefiner<null>();
const LEASE_MS = 30_000;
const GIVEN_UP_AFTER_MS = 1_000_000;

/** A handler that only ends when it is told to; remembers why, and when. */
function waitingTask(
  world: World,
  limits: { softTimeLimitSeconds?: number; timeLimitSeconds?: number },
) {
  const told: { reason: string; at: number }[] = [];
  const start = world.now();
  const task = define({
    name: "wait",
    params: z.object({ obeys: z.boolean() }),
    ...limits,
    handler: ({ obeys }, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          const reason = signal.reason as Error;
          told.push({ reason: reason.name, at: world.now() - start });
          if (obeys) reject(reason);
        });
      }),
  });
  return { task, told };
}

/** A ledger that gives out tasks and takes what comes. */
function ledgerWith(all: readonly ClaimedTask[], gone: () => readonly GoneTask[]) {
  const settled: Settlement[] = [];
  /** What was asked for, and how much was settled with it. */
  const exchanges: { claim: number; settled: number }[] = [];
  let left = all;
  const door: LedgerDoor = {
    exchange: async ({ settlements, claim }) => {
      settled.push(...settlements);
      exchanges.push({ claim, settled: settlements.length });
      const tasks = left.slice(0, claim);
      left = left.slice(claim);
      return { tasks, token: 1, isSolo: false, leaseMs: LEASE_MS, againInMs: null, stale: 0 };
    },
    heartbeat: async () => gone(),
    input: noInput,
    durable: () => Promise.reject(new Error("no task is durable here")),
    recordSteps: () => Promise.reject(new Error("no task is durable here")),
    report: async () => undefined,
  };
  return { door, settled, exchanges };
}

/** Runs a consumer until it leaves. */
async function consume(
  world: World,
  task: AnyTaskDefinition<null>,
  ledger: LedgerDoor,
  widths = new Widths(),
  background?: (work: Promise<unknown>) => void,
) {
  const start = world.now();
  const progress = { isOver: false };
  const over = drain(
    {
      ledger,
      registry: new Registry<null>([task]),
      supplies: {
        services: null,
        largeResults: NO_LARGE_RESULTS,
        lovageFor: () => {
          throw new Error("It calls no others.");
        },
        ...(background !== undefined && { background }),
      },
      clock: world,
      random: world,
      timers: world,
      log: () => undefined,
      widths,
    },
    "default",
    1,
  ).then(() => {
    progress.isOver = true;
  });
  while (!progress.isOver && world.now() < start + GIVEN_UP_AFTER_MS) {
    await new Promise((resolve) => setImmediate(resolve));
    await world.run(world.now() + 1_000);
  }
  await over;
}

function claimed(id: string, name: string, kwargs: unknown): ClaimedTask {
  const given = { id, name, kwargs: JSON.stringify(kwargs), owner: "o", options: {} };
  return { ...given, attempt: 1, retries: 0 };
}

async function run(
  obeys: boolean,
  limits: { softTimeLimitSeconds?: number; timeLimitSeconds?: number },
  gone: () => readonly GoneTask[] = () => [],
) {
  const world = new World(1);
  const { task, told } = waitingTask(world, limits);
  const { door, settled } = ledgerWith([claimed("a", "wait", { obeys })], gone);
  const outliving: Promise<unknown>[] = [];
  await consume(world, task, door, undefined, (work) => outliving.push(work));
  return { told, settled, outliving };
}

it("the soft time limit tells the handler, which may end on its own terms", async () => {
  const { told, settled } = await run(true, { softTimeLimitSeconds: 5, timeLimitSeconds: 10 });
  expect(told).toEqual([{ reason: "SoftTimeLimitExceeded", at: 5_000 }]);
  expect(settled).toMatchObject([
    {
      outcome: { kind: "failure", error: { exc_type: "SoftTimeLimitExceeded" } },
      runtimeMs: 5_000,
    },
  ]);
});

it("the hard time limit ends an attempt whose handler does not listen", async () => {
  const { settled } = await run(false, { softTimeLimitSeconds: 5, timeLimitSeconds: 10 });
  expect(settled).toMatchObject([
    { outcome: { kind: "failure", error: { exc_type: "TimeLimitExceeded" } }, runtimeMs: 10_000 },
  ]);
});

it("a task terminated while it runs is told within a heartbeat, and its end is not settled (G17)", async () => {
  const { told, settled } = await run(true, {}, () => [{ id: "a", reason: "revoked" }]);
  expect(told).toEqual([{ reason: "TaskRevokedError", at: 0.3 * LEASE_MS }]);
  expect(settled).toEqual([]);
});

it("a task whose lease was lost is told so", async () => {
  const { told, settled } = await run(true, {}, () => [{ id: "a", reason: "lost" }]);
  expect(told).toEqual([{ reason: "LeaseLostError", at: 0.3 * LEASE_MS }]);
  expect(settled).toEqual([]);
});

it.each<[string, GoneTask[]]>([
  ["its lease was lost", [{ id: "a", reason: "lost" }]],
  ["it was terminated", [{ id: "a", reason: "revoked" }]],
  ["its time is over", []],
])("a handler that goes on although %s keeps its invocation", async (_why, gone) => {
  const ended = vi.fn();
  const { outliving } = await run(false, { timeLimitSeconds: 60 }, () => gone);
  for (const work of outliving) void work.then(ended);
  await new Promise((resolve) => setImmediate(resolve));
  expect([outliving.length, ended.mock.calls.length]).toEqual([1, 0]);
  const obeying = await run(true, { timeLimitSeconds: 60 }, () => gone);
  await Promise.all(obeying.outliving);
});

it("a map whose attempt was stopped begins no further item", async () => {
  const world = new World(1);
  const begun: number[] = [];
  const task = define({
    name: "each",
    params: z.object({ n: z.number() }),
    timeLimitSeconds: 10,
    handler: async ({ n }) => {
      begun.push(n);
      await new Promise<void>((resolve) => world.after(15_000, resolve));
    },
  });
  const map = claimed("a", "celery.map", { task: { task: "each" }, it: [1, 2, 3] });
  const { door, settled } = ledgerWith([map], () => []);
  await consume(world, task, door);
  await world.run(world.now() + 60_000);
  expect(settled).toMatchObject([{ outcome: { error: { exc_type: "TimeLimitExceeded" } } }]);
  expect(begun).toEqual([1]);
});

it("who says something for the first time when it is over is not heard", async () => {
  const world = new World(1);
  const task = define({
    name: "late",
    params: z.object({}),
    timeLimitSeconds: 10,
    handler: async (_params, ctx) => {
      await new Promise<void>((resolve) => world.after(15_000, resolve));
      ctx.log("too late");
      ctx.progress({ current: 1, total: 1 });
    },
  });
  const { door } = ledgerWith([claimed("a", "late", {})], () => []);
  const report = vi.fn(async () => undefined);
  await consume(world, task, { ...door, report });
  await world.run(world.now() + 60_000);
  expect(report).not.toHaveBeenCalled();
});

interface Step {
  readonly claim: number;
  readonly settled: number;
}

/** Runs 500 tasks of a kind. @returns what was asked for and settled, exchange by exchange */
async function exchangesOf(
  make: (world: World) => AnyTaskDefinition<null>,
  widths?: Widths,
): Promise<Step[]> {
  const world = new World(1);
  const task = make(world);
  const tasks = Array.from({ length: 500 }, (_, n) => claimed(String(n), task.name, {}));
  const { door, settled, exchanges } = ledgerWith(tasks, () => []);
  await consume(world, task, door, widths);
  expect(settled).toHaveLength(500);
  return exchanges;
}

const claimsOf = (exchanges: readonly Step[]) => exchanges.map(({ claim }) => claim);
const noParams = z.object({});
const waits = (world: World, ms: number) =>
  new Promise<void>((resolve) => world.after(ms, resolve));

/** Each takes a little longer than the one before. */
function slowTask(world: World) {
  const begun = { count: 0 };
  return define({
    name: "slow",
    params: noParams,
    handler: () => waits(world, 20 + (begun.count += 1) / 10),
  });
}

/** The first takes so long, the others six milliseconds. */
function mixedTask(world: World, firstMs: number) {
  const begun = { count: 0 };
  return define({
    name: "mixed",
    params: noParams,
    handler: () => waits(world, (begun.count += 1) === 1 ? firstMs : 6),
  });
}

const quickTask = () => define({ name: "quick", params: noParams, handler: () => null });

it("fifty tasks run at the same time that wait for something, and half of them are settled together", async () => {
  const exchanges = await exchangesOf(slowTask);
  expect(exchanges[0]).toEqual({ claim: 50, settled: 0 });
  expect(new Set(claimsOf(exchanges).slice(1, 15))).toEqual(new Set([25]));
  expect(Math.max(...exchanges.map(({ settled }) => settled))).toBe(25);
});

it("of tasks that end at once two hundred are claimed together", async () => {
  const exchanges = await exchangesOf(quickTask);
  expect(claimsOf(exchanges).slice(0, 3)).toEqual([50, 200, 200]);
});

it("where two hundred run half of them are settled together", async () => {
  const widths = new Widths();
  await exchangesOf(quickTask, widths);
  const exchanges = await exchangesOf((world) => mixedTask(world, 6), widths);
  expect(exchanges.slice(0, 3)).toEqual([
    { claim: 200, settled: 0 },
    { claim: 100, settled: 100 },
    { claim: 100, settled: 100 },
  ]);
});

it("what a queue's tasks are like is known to the next consumer, until they are not", async () => {
  const widths = new Widths();
  await exchangesOf(quickTask, widths);
  const exchanges = await exchangesOf(slowTask, widths);
  const claims = claimsOf(exchanges);
  expect(claims[0]).toBe(200);
  // More than may run do run still: it takes one more with each exchange, for who takes none leaves.
  expect(Math.max(...claims.slice(1))).toBeLessThanOrEqual(50);
  expect(claims.slice(1, -1)).not.toContain(0);
  expect(claimsOf(await exchangesOf(slowTask, widths))[0]).toBe(50);
});

it("while one takes long the others are claimed as if they did, however soon they end", async () => {
  const claims = async (firstMs: number) => {
    const exchanges = await exchangesOf((world) => mixedTask(world, firstMs));
    return claimsOf(exchanges).slice(1);
  };
  expect(Math.max(...(await claims(150)))).toBe(50);
  expect(Math.max(...(await claims(6)))).toBe(200);
});

it("batches are no reason to run few at a time, however long they take", async () => {
  const sizes: number[] = [];
  const batchTask = (world: World) =>
    define({
      name: "batched",
      params: noParams,
      batch: {
        size: 100,
        handler: async (calls) => {
          sizes.push(calls.length);
          return Promise.allSettled(calls.map(() => waits(world, 30)));
        },
      },
    });
  const widths = new Widths();
  const first = await exchangesOf(batchTask, widths);
  expect(claimsOf(first).slice(0, 2)).toEqual([50, 200]);
  expect(sizes.slice(0, 3)).toEqual([50, 100, 100]);
  sizes.length = 0;
  await exchangesOf(batchTask, widths);
  expect(sizes).toEqual([100, 100, 100, 100, 100]);
});

it("what ends during an exchange that brings a long task is settled soon, not when that has ended", async () => {
  const world = new World(1);
  const start = world.now();
  const task = define({
    name: "takes",
    params: z.object({ ms: z.number() }),
    handler: ({ ms }) => waits(world, ms),
  });
  const given = [
    [claimed("a", "takes", { ms: 50 }), claimed("b", "takes", { ms: 155 })],
    [claimed("long", "takes", { ms: 600_000 })],
  ];
  const settledAt = new Map<string, number>();
  const { door } = ledgerWith([], () => []);
  await consume(world, task, {
    ...door,
    exchange: async (request) => {
      // Its way takes 20 ms: the second task ends while the first one's end is on it.
      await waits(world, 20);
      for (const { id } of request.settlements) settledAt.set(id, world.now() - start);
      return { ...(await door.exchange({ ...request, claim: 0 })), tasks: given.shift() ?? [] };
    },
  });
  expect([...settledAt.keys()].toSorted()).toEqual(["a", "b", "long"]);
  expect(settledAt.get("b")).toBeLessThan(1_000);
});

it("results that are too large to be settled together are settled one part after the other, at once", async () => {
  const result = "x".repeat(250_000);
  const largeTask = () => define({ name: "large", params: noParams, handler: () => result });
  const world = new World(1);
  const start = world.now();
  const tasks = Array.from({ length: 200 }, (_, n) => claimed(String(n), "large", {}));
  const { door, settled } = ledgerWith(tasks, () => []);
  const lengths: number[] = [];
  const widths = new Widths();
  await exchangesOf(quickTask, widths);
  const exchange: LedgerDoor["exchange"] = async (request) => {
    lengths.push(JSON.stringify(request.settlements).length);
    if (settled.length + request.settlements.length === 200) expect(world.now()).toBe(start);
    return door.exchange(request);
  };
  await consume(world, largeTask(), { ...door, exchange }, widths);
  expect(new Set(settled.map(({ id }) => id)).size).toBe(200);
  expect(settled).toHaveLength(200);
  // An exchange of more than 32 MiB would not get through, and a character may take two bytes.
  expect(Math.max(...lengths)).toBeLessThan(8_000_000);
});

it("while results wait to be settled as many fewer tasks are claimed: all are in memory together", async () => {
  const world = new World(1);
  const task = define({ name: "large", params: noParams, handler: () => "x".repeat(250_000) });
  const tasks = Array.from({ length: 1_000 }, (_, n) => claimed(String(n), "large", {}));
  const { door, settled } = ledgerWith(tasks, () => []);
  const widths = new Widths();
  await exchangesOf(quickTask, widths);
  let given = 0;
  let most = 0;
  const exchange: LedgerDoor["exchange"] = async (request) => {
    const answer = await door.exchange(request);
    given += answer.tasks.length;
    most = Math.max(most, given - settled.length);
    return answer;
  };
  await consume(world, task, { ...door, exchange }, widths);
  expect(settled).toHaveLength(1_000);
  expect(most).toBeLessThanOrEqual(200);
});

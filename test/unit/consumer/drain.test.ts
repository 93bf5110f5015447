import { expect, it } from "vitest";
import { z } from "zod";
import {
  createTaskDefiner,
  Registry,
  type AnyTaskDefinition,
  type ClaimedTask,
  type Settlement,
} from "#engine";
import type { LedgerDoor } from "#platform/consumer/door.ts";
import { drain } from "#platform/consumer/drain.ts";
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
async function consume(world: World, task: AnyTaskDefinition<null>, ledger: LedgerDoor) {
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
      },
      clock: world,
      random: world,
      timers: world,
      log: () => undefined,
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
  await consume(world, task, door);
  return { told, settled };
}

/** Runs 500 tasks of a kind. @returns what was asked for and settled, exchange by exchange */
async function exchangesOf(make: (world: World) => AnyTaskDefinition<null>) {
  const world = new World(1);
  const task = make(world);
  const tasks = Array.from({ length: 500 }, (_, n) => claimed(String(n), task.name, {}));
  const { door, settled, exchanges } = ledgerWith(tasks, () => []);
  await consume(world, task, door);
  expect(settled).toHaveLength(500);
  return exchanges;
}

const noParams = z.object({});
const waits = (world: World, ms: number) =>
  new Promise<void>((resolve) => world.after(ms, resolve));

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
  expect(told).toEqual([{ reason: "TaskRevokedError", at: LEASE_MS / 3 }]);
  expect(settled).toEqual([]);
});

it("a task whose lease was lost is told so", async () => {
  const { told, settled } = await run(true, {}, () => [{ id: "a", reason: "lost" }]);
  expect(told).toEqual([{ reason: "LeaseLostError", at: LEASE_MS / 3 }]);
  expect(settled).toEqual([]);
});

it("fifty tasks run at the same time that wait for something, and half of them are settled together", async () => {
  const times = { of: 0 };
  const slow = (world: World) =>
    define({
      name: "slow",
      params: noParams,
      // Each a little later than the one before.
      handler: () => waits(world, 20 + (times.of += 1) / 10),
    });
  const exchanges = await exchangesOf(slow);
  expect(exchanges[0]).toEqual({ claim: 50, settled: 0 });
  expect(exchanges[1]).toEqual({ claim: 25, settled: 25 });
  expect(new Set(exchanges.slice(1, 15).map(({ claim }) => claim))).toEqual(new Set([25]));
  expect(Math.max(...exchanges.map(({ settled }) => settled))).toBe(25);
});

it("of tasks that end at once two hundred are claimed together", async () => {
  const exchanges = await exchangesOf(() =>
    define({ name: "quick", params: noParams, handler: () => null }),
  );
  expect(exchanges.map(({ claim }) => claim).slice(0, 3)).toEqual([50, 200, 200]);
});

it("while one takes long the others are claimed as if they did, however soon they end", async () => {
  const claims = async (slowMs: number) => {
    const first = { isToCome: true };
    const exchanges = await exchangesOf((world) =>
      define({
        name: "mixed",
        params: noParams,
        handler: () => {
          const ms = first.isToCome ? slowMs : 6;
          first.isToCome = false;
          return waits(world, ms);
        },
      }),
    );
    // In the first two nothing has taken long yet.
    return exchanges.slice(2).map(({ claim }) => claim);
  };
  expect(Math.max(...(await claims(150)))).toBe(50);
  expect(Math.max(...(await claims(6)))).toBe(200);
});

it("a consumer has room for the largest batch of its queue", async () => {
  const sizes: number[] = [];
  const exchanges = await exchangesOf((world) =>
    define({
      name: "batched",
      params: noParams,
      queue: "default",
      batch: {
        size: 100,
        handler: async (calls) => {
          sizes.push(calls.length);
          return Promise.allSettled(calls.map(() => waits(world, 30)));
        },
      },
    }),
  );
  expect(exchanges[0]?.claim).toBe(100);
  expect(sizes).toEqual([100, 100, 100, 100, 100]);
});

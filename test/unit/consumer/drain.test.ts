import { expect, it } from "vitest";
import { z } from "zod";
import { createTaskDefiner, Registry, type ClaimedTask, type Settlement } from "#engine";
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

/** A ledger that gives out one task and takes what comes. */
function ledgerWith(task: ClaimedTask, gone: () => readonly GoneTask[]) {
  const settled: Settlement[] = [];
  let left = [task];
  const door: LedgerDoor = {
    exchange: async ({ settlements, claim }) => {
      settled.push(...settlements);
      const tasks = claim > 0 ? left : [];
      left = claim > 0 ? [] : left;
      return { tasks, token: 1, isSolo: false, leaseMs: LEASE_MS, againInMs: null, stale: 0 };
    },
    heartbeat: async () => gone(),
    input: noInput,
    durable: () => Promise.reject(new Error("no task is durable here")),
    recordSteps: () => Promise.reject(new Error("no task is durable here")),
    report: async () => undefined,
  };
  return { door, settled };
}

async function run(
  obeys: boolean,
  limits: { softTimeLimitSeconds?: number; timeLimitSeconds?: number },
  gone: () => readonly GoneTask[] = () => [],
) {
  const world = new World(1);
  const start = world.now();
  const { task, told } = waitingTask(world, limits);
  const claimed = {
    id: "a",
    name: "wait",
    kwargs: JSON.stringify({ obeys }),
    owner: "o",
    options: {},
    attempt: 1,
    retries: 0,
  };
  const { door, settled } = ledgerWith(claimed, gone);
  const progress = { isOver: false };
  const over = drain(
    {
      ledger: door,
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
  return { told, settled };
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
  expect(told).toEqual([{ reason: "TaskRevokedError", at: LEASE_MS / 3 }]);
  expect(settled).toEqual([]);
});

it("a task whose lease was lost is told so", async () => {
  const { told, settled } = await run(true, {}, () => [{ id: "a", reason: "lost" }]);
  expect(told).toEqual([{ reason: "LeaseLostError", at: LEASE_MS / 3 }]);
  expect(settled).toEqual([]);
});

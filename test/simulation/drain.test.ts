import { expect, it } from "vitest";
import * as z from "zod";
import { createTaskDefiner, Registry, type ClaimedTask, type Settlement } from "#engine";
import type { LedgerDoor } from "#platform/consumer/door.ts";
import { drain } from "#platform/consumer/drain.ts";
import type { ExchangeAnswer } from "#platform/ledger/protocol.ts";
import { World } from "../../src/testing/world.ts";
import { NO_LARGE_RESULTS, noInput } from "../no-large.ts";

const LEASE_MS = 30_000;
const define = createTaskDefiner<World>();
const sleep = define({
  name: "sleep",
  params: z.object({ ms: z.number() }),
  handler: ({ ms }, { services }) => services.sleep(ms),
});

function task(id: string, ms: number, attempt = 1): ClaimedTask {
  const kwargs = JSON.stringify({ ms });
  return { id, name: "sleep", kwargs, owner: "o", options: {}, attempt, retries: 0 };
}

/** What the ledger answers to one exchange after the other, each after a while. */
type Answer = Partial<ExchangeAnswer> & { readonly afterMs?: number };

/** A consumer in a simulated world, against a ledger that answers by script. Settles are timed. */
function consumer(answers: readonly Answer[], heartbeat?: LedgerDoor["heartbeat"]) {
  const world = new World(1);
  const start = world.now();
  const settled: (Pick<Settlement, "id" | "token"> & { at: number })[] = [];
  const left = [...answers];
  const ledger: LedgerDoor = {
    exchange: async ({ settlements }) => {
      for (const { id, token } of settlements) settled.push({ id, token, at: world.now() - start });
      const { afterMs = 0, ...answer } = left.shift() ?? {};
      await world.sleep(afterMs);
      return {
        tasks: [],
        token: 0,
        isSolo: false,
        leaseMs: LEASE_MS,
        againInMs: null,
        stale: 0,
        ...answer,
      };
    },
    heartbeat: heartbeat ?? (async () => []),
    input: noInput,
    durable: () => Promise.reject(new Error("no task is durable here")),
    recordSteps: () => Promise.reject(new Error("no task is durable here")),
    report: async () => undefined,
  };
  const parts = {
    ledger,
    registry: new Registry<World>([sleep]),
    supplies: {
      services: world,
      largeResults: NO_LARGE_RESULTS,
      lovageFor: () => {
        throw new Error("not used");
      },
    },
    clock: world,
    random: world,
    timers: world,
    log: () => undefined,
  };
  return { world, start, settled, done: drain(parts, "default", 0) };
}

it("an outcome that comes while an exchange takes long is settled after it, not when all has ended", async () => {
  const { world, start, settled } = consumer([
    { tasks: [task("quick", 5), task("later", 300), task("long", 600_000)], token: 1 },
    { afterMs: 1_000 },
  ]);
  await world.run(start + 2_000);
  expect(settled).toEqual([
    { id: "quick", token: 1, at: 105 },
    { id: "later", token: 1, at: 1_105 },
  ]);
});

it("a heartbeat's late answer about a lost run does not stop the task's next run", async () => {
  let beats = 0;
  const { world, start, settled, done } = consumer(
    [
      { tasks: [task("a", 11_000)], token: 1 },
      // The first run was lost meanwhile: its settle counts for nothing, and the task is given out anew.
      { tasks: [task("a", 9_000, 2)], token: 2, isSolo: true, stale: 1 },
    ],
    async () => {
      beats += 1;
      if (beats > 1) return [];
      await world.sleep(5_000);
      return [{ id: "a", reason: "lost" }];
    },
  );
  await world.run(start + 60_000);
  await done;
  expect(settled).toEqual([
    { id: "a", token: 1, at: 11_000 },
    { id: "a", token: 2, at: 20_000 },
  ]);
});

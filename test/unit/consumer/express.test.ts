import { expect, it } from "vitest";
import * as z from "zod";
import {
  createTaskDefiner,
  Registry,
  type SubmitAnswer,
  type TaskOptions,
  type TaskSpec,
} from "#engine";
import type { LedgerDoor } from "#platform/consumer/door.ts";
import { ExpressSubmitter } from "#platform/consumer/express-submitter.ts";
import { runClaim } from "#platform/consumer/run-claim.ts";
import type { Claim, Exchange } from "#platform/ledger/protocol.ts";
import { World } from "../../../src/testing/world.ts";
import { NO_LARGE_RESULTS, noInput } from "../../no-large.ts";
import { Rig } from "../ledger/rig.ts";

const define = createTaskDefiner<null>();
const params = z.object({});

/** Which of its two ways a submit takes for a task that is declared and called so. */
async function isOffered(
  declared: TaskOptions,
  over: Partial<TaskSpec> = {},
  count = 1,
): Promise<boolean> {
  const task = define({ name: "task", params, ...declared, handler: () => null });
  const registry = new Registry<null>([task]);
  let isOffer = false;
  const submitter = new ExpressSubmitter({
    ledgers: {
      submit: async (tasks): Promise<SubmitAnswer[]> => tasks.map(() => "accepted"),
      submitToRun: async () => {
        isOffer = true;
        return { answer: "accepted", claim: null };
      },
      withdraw: () => Promise.reject(new Error("nothing is withdrawn")),
    },
    definitionOf: (name) => registry.find(name),
    run: () => Promise.reject(new Error("nothing is claimed")),
    background: () => undefined,
    random: new World(1),
    timers: new World(1),
  });
  const rig = new Rig();
  const specs = Array.from({ length: count }, () => rig.spec(over));
  expect(await submitter.submit(specs)).toEqual(specs.map(() => "accepted"));
  return isOffer;
}

it.each<[is: boolean, what: string, declared: TaskOptions, over: Partial<TaskSpec>]>([
  [true, "declared with 20 s", { timeLimitSeconds: 20 }, {}],
  [false, "declared with 21 s", { timeLimitSeconds: 21 }, {}],
  [false, "declared with no limit of its own", {}, {}],
  [true, "called with 5 s", {}, { options: { time_limit: 5 } }],
  [
    false,
    "called with more than declared",
    { timeLimitSeconds: 5 },
    { options: { time_limit: 60 } },
  ],
  [false, "declared for consumers alone", { timeLimitSeconds: 20, express: false }, {}],
  [false, "called for later", { timeLimitSeconds: 20 }, { dueAt: 1 }],
  [false, "unknown", { timeLimitSeconds: 20 }, { name: "another" }],
])("offered %s: a task %s", async (is, _what, declared, over) => {
  expect(await isOffered(declared, over)).toBe(is);
});

it("an offer whose answer is lost is withdrawn after the submit failed, until the ledger hears it", async () => {
  const world = new World(1);
  const offers: string[] = [];
  const withdrawn: string[][] = [];
  const work: Promise<void>[] = [];
  const submitter = new ExpressSubmitter({
    ledgers: {
      submit: () => Promise.reject(new Error("it is offered")),
      submitToRun: async (_task, offer) => {
        offers.push(offer);
        throw new Error("the answer was lost");
      },
      withdraw: async (...given) => {
        withdrawn.push(given);
        if (withdrawn.length < 3) throw new Error("out of reach");
      },
    },
    definitionOf: () => ({ isExpress: true, timeLimitSeconds: 20 }),
    run: () => Promise.reject(new Error("nobody knows that it may run")),
    background: (done) => work.push(done),
    random: world,
    timers: world,
  });
  const spec = new Rig().spec();
  for (let n = 0; n < 2; n += 1) {
    await expect(submitter.submit([spec])).rejects.toThrow("the answer was lost");
  }
  await world.run(world.now() + 10_000);
  await Promise.all(work);
  const [first, second] = offers;
  expect(first).not.toBe(second);
  expect(withdrawn.filter(([id, offer]) => id === spec.id && offer === first)).not.toEqual([]);
  expect(withdrawn).toHaveLength(4);
});

it("several tasks at once, and batches, are consumers'", async () => {
  expect(await isOffered({ timeLimitSeconds: 20 }, {}, 2)).toBe(false);
  const batch = define({
    name: "batch",
    params,
    timeLimitSeconds: 20,
    batch: { size: 2, handler: async () => [] },
  });
  expect(batch.isExpress).toBe(false);
});

/** Runs one claimed task against a ledger that remembers what it is asked. */
function runOne(handler: () => unknown) {
  const world = new World(1);
  const asked: Exchange[] = [];
  const ledger: LedgerDoor = {
    exchange: async (request) => {
      asked.push(request);
      return { tasks: [], token: 0, isSolo: false, leaseMs: 30_000, againInMs: null, stale: 0 };
    },
    heartbeat: async () => [],
    input: noInput,
    durable: () => Promise.reject(new Error("no task is durable here")),
    recordSteps: () => Promise.reject(new Error("no task is durable here")),
    report: async () => undefined,
  };
  const task = {
    id: "a",
    name: "task",
    kwargs: "{}",
    owner: "o",
    options: {},
    attempt: 1,
    retries: 0,
  };
  const claim: Claim = { tasks: [task], token: 7, isSolo: false, leaseMs: 30_000 };
  const done = runClaim(
    {
      ledger,
      registry: new Registry<null>([
        define({ name: "task", params, timeLimitSeconds: 20, handler }),
      ]),
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
    claim,
  );
  return { world, asked, done };
}

it("what was claimed begins after the turn of its submit, settles once, and claims no more", async () => {
  let runs = 0;
  const { world, asked, done } = runOne(() => {
    runs += 1;
    return 5;
  });
  expect(runs).toBe(0);
  await world.run(world.now() + 1_000);
  await done;
  expect(runs).toBe(1);
  expect(asked).toMatchObject([
    { claim: 0, isExpress: true, bells: 0, settlements: [{ id: "a", token: 7 }] },
  ]);
});

it("a handler that does not end is cut off and settled within what an invocation has", async () => {
  const { world, asked, done } = runOne(() => new Promise(() => undefined));
  const startedAt = world.now();
  await world.run(startedAt + 20_100);
  await done;
  expect(asked).toMatchObject([
    { settlements: [{ outcome: { kind: "failure", error: { exc_type: "TimeLimitExceeded" } } }] },
  ]);
});

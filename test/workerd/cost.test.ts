import { expect, it } from "vitest";
import * as z from "zod";
import {
  chain,
  chord,
  createTaskDefiner,
  group,
  signature,
  type AnySignature,
  type CallOptions,
  type Signature,
} from "#engine";
import { unitsOf, type Deployment, type Units } from "./cost-rig.ts";

/** So many tasks of each kind (or members of a canvas), so that what they share shows. */
const N = 100;
/** Of the slow ones. */
const FEW = 10;

const define = createTaskDefiner<null>();
const params = z.object({ n: z.number() });
const tasks = [
  define({ name: "noop", params, handler: ({ n }) => n }),
  define({ name: "short", params, timeLimitSeconds: 20, handler: ({ n }) => n }),
  define({ name: "size", params: z.object({ list: z.array(z.number()) }), handler: () => 0 }),
  define({
    name: "retried",
    params,
    handler: ({ n }, ctx) => (ctx.retries === 0 ? ctx.retry({ countdown: 1 }) : n),
  }),
  define({ name: "keyed", params, key: { of: ({ n }) => n % 10 }, handler: ({ n }) => n }),
  define({ name: "unique", params, unique: true, handler: ({ n }) => n }),
  define({ name: "ten_at_once", params, concurrency: 10, handler: ({ n }) => n }),
  define({ name: "fifty_per_s", params, rateLimit: "50/s", handler: ({ n }) => n }),
  define({ name: "ten_per_m", params, rateLimit: "10/m", handler: ({ n }) => n }),
  define({ name: "step", params, handler: ({ n }, ctx) => ctx.step("one", () => n) }),
  define({ name: "effect", params, handler: ({ n }, ctx) => ctx.once("one", () => n) }),
  define({
    name: "sleep",
    params,
    handler: async ({ n }, ctx) => {
      await ctx.sleep(1);
      return n;
    },
  }),
  define({
    name: "event",
    params,
    handler: (_params, ctx) => ctx.waitForEvent("go", { timeoutSeconds: 60 }),
  }),
];

const call = (name: string, n: number, options: CallOptions = {}) =>
  signature(name, { n }, options);
const calls = (name: string, options: CallOptions = {}, count = N) =>
  Array.from({ length: count }, (_, n) => call(name, n, options));

type Use = (deployment: Deployment) => Promise<void>;

/** All in one request, and time for them to end. */
function inBulk(name: string, options: CallOptions = {}): Use {
  return async ({ lovage, pass }) => {
    await lovage.sendAll(calls(name, options));
    await pass(10_000);
  };
}

/** A request each, and then so much time. */
function apart(ms: number, name = "noop"): Use {
  return async ({ lovage, pass }) => {
    for (const one of calls(name)) {
      await lovage.send(one);
      await pass(ms);
    }
    await pass(10_000);
  };
}

const atOnce: Use = async ({ lovage, pass }) => {
  for (const one of calls("noop")) await lovage.send(one);
  await pass(10_000);
};

const slowly: Use = async ({ lovage, pass }) => {
  await lovage.sendAll(calls("ten_per_m", {}, FEW));
  await pass(80_000);
};

const withEvents: Use = async ({ lovage, ledger, pass }) => {
  const ids = await lovage.sendAll(calls("event"));
  await pass(1_000);
  for (const id of ids) await ledger.sendEvent(id, { name: "go", payload: "1", key: null });
  await pass(10_000);
};

function canvas(of: AnySignature): Use {
  return async ({ lovage, pass }) => {
    await lovage.send(of as Signature);
    await pass(10_000);
  };
}

const links = Array.from({ length: N - 1 }, () => signature("noop", {}));

/**
 * What 100 tasks of each kind are billed. Where a change makes one dearer or cheaper this is where it is seen,
 * and put down. Alarms: a submit into an idle shard sets one, in 20 s, to look after the work; what has a time
 * of its own (a countdown, a retry, a sleep) another for it, and one after it for the work that is due then. Counted
 * until the shard is at rest, out of memory whenever it is idle for ten seconds; what it writes then is REST.
 */
const BUDGETS: Readonly<Record<string, readonly [Use, Units]>> = {
  "plain, in bulk": [
    inBulk("noop"),
    { ledger: 205, alarms: 1, history: 100, purge: 0, requests: 5, bells: 1 },
  ],
  "plain, a request each, many at once": [
    atOnce,
    { ledger: 205, alarms: 1, history: 100, purge: 0, requests: 104, bells: 1 },
  ],
  "plain, one after the other": [
    apart(10),
    { ledger: 402, alarms: 2, history: 100, purge: 0, requests: 302, bells: 100 },
  ],
  "plain, a minute apart": [
    apart(60_000),
    { ledger: 500, alarms: 100, history: 100, purge: 0, requests: 400, bells: 100 },
  ],
  "short, one after the other: run by who submits it": [
    apart(10, "short"),
    { ledger: 302, alarms: 2, history: 100, purge: 0, requests: 202, bells: 0 },
  ],
  "short, a minute apart": [
    apart(60_000, "short"),
    { ledger: 400, alarms: 100, history: 100, purge: 0, requests: 300, bells: 0 },
  ],
  "with a countdown": [
    inBulk("noop", { countdown: 1 }),
    { ledger: 305, alarms: 2, history: 100, purge: 0, requests: 6, bells: 1 },
  ],
  "with expires": [
    inBulk("noop", { expires: 60 }),
    { ledger: 305, alarms: 1, history: 100, purge: 0, requests: 5, bells: 1 },
  ],
  "with two labels": [
    inBulk("noop", { labels: { customer: "1", campaign: "x" } }),
    { ledger: 205, alarms: 1, history: 300, purge: 300, requests: 5, bells: 1 },
  ],
  "retried once": [
    inBulk("retried"),
    { ledger: 407, alarms: 3, history: 100, purge: 0, requests: 9, bells: 2 },
  ],
  "with one of ten keys": [
    inBulk("keyed"),
    { ledger: 305, alarms: 1, history: 100, purge: 0, requests: 5, bells: 1 },
  ],
  unique: [
    inBulk("unique"),
    { ledger: 405, alarms: 1, history: 100, purge: 0, requests: 5, bells: 1 },
  ],
  "ten at once": [
    inBulk("ten_at_once"),
    { ledger: 321, alarms: 2, limiter: 2, history: 100, purge: 0, requests: 15, bells: 1 },
  ],
  "fifty a second": [
    inBulk("fifty_per_s"),
    { ledger: 502, alarms: 2, limiter: 1, history: 100, purge: 0, requests: 215, bells: 1 },
  ],
  "ten a minute (ten tasks)": [
    slowly,
    { ledger: 60, alarms: 29, limiter: 10, history: 10, purge: 0, requests: 69, bells: 10 },
  ],
  "with a step": [
    inBulk("step"),
    { ledger: 505, alarms: 1, history: 100, purge: 0, requests: 7, bells: 1 },
  ],
  "with an effect": [
    inBulk("effect"),
    { ledger: 605, alarms: 1, history: 100, purge: 0, requests: 9, bells: 1 },
  ],
  "with a sleep": [
    inBulk("sleep"),
    { ledger: 608, alarms: 3, history: 100, purge: 0, requests: 111, bells: 2 },
  ],
  "with an event": [
    withEvents,
    { ledger: 1108, alarms: 1, history: 100, purge: 0, requests: 212, bells: 2 },
  ],
  "links of a chain": [
    canvas(chain(call("noop", 1), ...(links as []))),
    { ledger: 406, alarms: 1, history: 101, purge: 0, requests: 103, bells: 1 },
  ],
  "members of a group": [
    canvas(group(...calls("noop")) as AnySignature),
    { ledger: 214, alarms: 1, history: 101, purge: 0, requests: 5, bells: 1 },
  ],
  "members of a chord, and its body": [
    canvas(chord<never, never>(calls("noop") as never, signature("size", {}) as never)),
    { ledger: 218, alarms: 1, history: 102, purge: 0, requests: 6, bells: 1 },
  ],
};

it.each(Object.entries(BUDGETS))("%s", async (_kind, [use, budget]) => {
  expect(await unitsOf(tasks, use)).toEqual(budget);
});

/** That D1 has all is put down once as they begin to end, and once after the last. */
const REST = 2;

it.each([
  ["plain, in bulk", 4],
  ["plain, a request each, many at once", 4],
  ["plain, one after the other", 5],
  ["short, one after the other: run by who submits it", 4],
])("%s: at most %i rows a task, its purge included, and its share of an alarm", (kind, most) => {
  const { ledger = NaN, alarms = NaN, history = NaN, purge = NaN } = BUDGETS[kind]?.[1] ?? {};
  expect((ledger - REST + history + purge) / N).toBeLessThanOrEqual(most);
  expect(alarms).toBeLessThanOrEqual(REST);
});

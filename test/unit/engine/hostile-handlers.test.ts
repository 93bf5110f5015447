import { anything, assert, asyncProperty } from "fast-check";
import { expect, it } from "vitest";
import * as z from "zod";
import {
  createTaskDefiner,
  Registry,
  Retry,
  runBatch,
  TimeLimitExceeded,
  type Attempt,
  type ClaimedTask,
  type Outcome,
  type TaskContext,
  type TaskOptions,
} from "#engine";
import { noInput } from "../../no-large.ts";
import { runOnce } from "./run-once.ts";

/*
 * Handlers are other people's code. Whatever one returns or throws, its attempt has an outcome, and one
 * that can be stored: an attempt without an outcome would be kept alive by heartbeats for ever.
 */

const task: ClaimedTask = {
  id: "id",
  name: "task",
  kwargs: "{}",
  owner: "o",
  options: {},
  attempt: 1,
  retries: 0,
};

function attempt(cut: Promise<Error> = new Promise(() => undefined)): Attempt<null> {
  const storeLarge = () => Promise.reject(new Error("not to be stored"));
  return {
    task,
    ctx: { taskId: "id" } as TaskContext<null>,
    cut,
    outlivedBy: () => undefined,
    storeLarge,
    added: [],
    loadInput: noInput,
  };
}

const define = createTaskDefiner<null>({ clarifyError: (thrown) => thrown });
const params = z.object({});

function run(handler: () => unknown, options: TaskOptions = {}, cut?: Promise<Error>) {
  const registry = new Registry<null>([define({ name: "task", params, ...options, handler })]);
  return runOnce(registry, attempt(cut), 0.5);
}

const fails = (thrown: unknown) => () => {
  throw thrown;
};

/** Text and finite numbers only: what a row can take. */
function expectStorable(outcome: Outcome): void {
  if (outcome.kind === "success") {
    if (outcome.result !== null) JSON.parse(outcome.result);
    return;
  }
  if (outcome.kind !== "retry" && outcome.kind !== "failure") throw new Error("It threw neither.");
  if (outcome.kind === "retry") {
    expect(Number.isSafeInteger(outcome.delayMs) && outcome.delayMs >= 0).toBe(true);
  }
  expect(typeof outcome.error.exc_type).toBe("string");
  expect(typeof outcome.error.exc_message).toBe("string");
}

it("whatever a handler returns or throws, the outcome can be stored", async () => {
  await assert(
    asyncProperty(anything({ withBigInt: true, withNullPrototype: true }), async (value) => {
      expectStorable(await run(() => value));
      expectStorable(await run(fails(value)));
      expectStorable(await run(fails(value), { autoretryFor: [Object as never] }));
    }),
  );
});

const trapped = new Proxy(
  {},
  {
    getPrototypeOf: () => {
      throw new Error("not even its class can be asked for");
    },
  },
);

it("something thrown that can't even be looked at is a failure, not an attempt without an end", async () => {
  expect(await run(fails(trapped), { autoretryFor: [Error] })).toMatchObject({ kind: "failure" });
  const batch = define({
    name: "task",
    params,
    batch: { size: 2, handler: () => Promise.reject(trapped as Error) },
  });
  const outcomes = runBatch(new Registry<null>([batch]), batch, [attempt()], null, () => 0);
  expect(await Promise.all(outcomes)).toMatchObject([{ kind: "failure" }]);
});

it("a declaration whose clarifyError throws fails the attempt with what the handler threw", async () => {
  const unclear = createTaskDefiner<null>({
    clarifyError: () => {
      throw new Error("no idea");
    },
  });
  const broken = unclear({ name: "task", params, handler: fails(new RangeError("boom")) });
  expect(await runOnce(new Registry<null>([broken]), attempt(), 0)).toMatchObject({
    kind: "failure",
    error: { exc_type: "RangeError", exc_message: "boom" },
  });
});

it.each([Number.NaN, Infinity, 1e300])(
  "a retry in %d seconds fails the attempt: no ledger could keep that time",
  async (countdownSeconds) => {
    expect(await run(fails(new Retry({ countdownSeconds })))).toMatchObject({
      kind: "failure",
      error: { exc_type: "InvalidOptionError" },
    });
  },
);

it("a retry in the past is one at once", async () => {
  expect(await run(fails(new Retry({ countdownSeconds: -5 })))).toMatchObject({
    kind: "retry",
    delayMs: 0,
  });
});

it("a backoff that grows beyond all bounds stays a time that can be kept", async () => {
  const options = { autoretryFor: [Error], retryBackoff: 1e300, retryBackoffMaxSeconds: 1e300 };
  expectStorable(await run(fails(new Error("x")), options));
});

it("the time limit ends a handler that returned something to wait for, a promise or not", async () => {
  const cut = Promise.resolve(new TimeLimitExceeded(5));
  // A query builder of an ORM is such a thing.
  // oxlint-disable-next-line unicorn/no-thenable -- that is the point
  const query = { then: () => undefined };
  for (const forever of [query, new Promise(() => undefined)]) {
    expect(await run(() => forever, {}, cut)).toMatchObject({
      kind: "failure",
      error: { exc_type: "TimeLimitExceeded" },
    });
  }
});

it("a result that lies about its JSON fails the attempt", async () => {
  const liars = [
    {
      toJSON: () => {
        throw new Error("no");
      },
    },
    { toJSON: () => undefined },
    {
      get value() {
        throw new Error("no");
      },
    },
    Symbol("s"),
  ];
  for (const liar of liars) expect((await run(() => liar)).kind).toBe("failure");
});

it("an error's texts are cut to what is kept, and never in the middle of a character", async () => {
  const error = new Error(`${"x".repeat(1_999)}😀${"y".repeat(10_000)}`);
  const outcome = await run(fails(error));
  if (outcome.kind !== "failure") expect.unreachable();
  expect(outcome.error.exc_message).toHaveLength(2_000);
  expect(outcome.error.exc_message.isWellFormed()).toBe(true);
  expect(outcome.error.traceback?.length).toBeLessThanOrEqual(4_000);
});

import { expect, it, vi } from "vitest";
import * as z from "zod";
import {
  createTaskDefiner,
  Ignore,
  Registry,
  Reject,
  Retry,
  RetryAfterError,
  runBatch,
  TimeLimitExceeded,
  type Attempt,
  type ClaimedTask,
  type Outcome,
  type Plan,
  type TaskContext,
  type TaskOptions,
} from "#engine";
import { noInput } from "../../no-large.ts";
import { runOnce } from "./run-once.ts";

const define = createTaskDefiner<null>();
const params = z.object({ a: z.number(), b: z.number().default(2) });

function claimed(over: Partial<ClaimedTask> = {}): ClaimedTask {
  const task = { id: "id", name: "task", kwargs: '{"a":1}', owner: "o", options: {} };
  return { ...task, attempt: 1, retries: 0, ...over };
}

function attemptOf(
  task: ClaimedTask,
  storeLarge: Attempt<null>["storeLarge"] = async (text) => ({ key: "k", bytes: text.length }),
  cut: Promise<Error> = new Promise(() => undefined),
  outlivedBy: Attempt<null>["outlivedBy"] = () => undefined,
): Attempt<null> {
  const ctx = { taskId: task.id, retries: task.retries } as TaskContext<null>;
  return { task, ctx, cut, outlivedBy, storeLarge, added: [], loadInput: noInput };
}

function run(handler: () => unknown, options: TaskOptions = {}, task = claimed(), random = 0.5) {
  const registry = new Registry<null>([define({ name: "task", params, ...options, handler })]);
  return runOnce(registry, attemptOf(task), random);
}

const fails = (thrown: unknown) => () => {
  throw thrown;
};

const retried = { autoretryFor: [Error], retryBackoff: 2, retryJitter: false };

it("the handler gets its params with their defaults, and its result is kept as JSON", async () => {
  const task = define({ name: "task", params, handler: ({ a, b }) => ({ sum: a + b }) });
  const outcome = await runOnce(new Registry<null>([task]), attemptOf(claimed()), 0);
  expect(outcome).toEqual({ kind: "success", result: '{"sum":3}' });
});

it.each([
  ["undefined", undefined, "null"],
  ["null", null, "null"],
  ["Infinity", Infinity, "null"],
  ["a date", new Date(0), '"1970-01-01T00:00:00.000Z"'],
])("the result %s is stored as JSON has it", async (_what, result, stored) => {
  expect(await run(() => result)).toEqual({ kind: "success", result: stored });
});

const cyclic: Record<string, unknown> = {};
cyclic["self"] = cyclic;

it.each([
  ["a BigInt", 1n],
  ["a cycle", cyclic],
  ["a function", () => 1],
  ["more than 25 MiB", "x".repeat(25 * 1_024 * 1_024)],
])("a result that is %s fails the task instead of getting stuck", async (_what, result) => {
  expect((await run(() => result)).kind).toBe("failure");
});

it("a result of more than 256 KiB is kept elsewhere, and made again if it can't be", async () => {
  const large = "x".repeat(262_143);
  expect(await run(() => large)).toEqual({
    kind: "success",
    result: null,
    large: { key: "k", bytes: 262_145 },
  });
  const task = define({ name: "task", params, handler: () => large });
  const broken = attemptOf(claimed(), () => Promise.reject(new Error("R2 is away")));
  expect(await runOnce(new Registry<null>([task]), broken, 0)).toMatchObject({
    kind: "retry",
    error: { exc_type: "RetryAfterError", exc_message: "The result could not be stored." },
  });
});

it("a backoff of 0 is none, as false is: the default delay counts", async () => {
  const options = { autoretryFor: [Error], retryBackoff: 0, defaultRetryDelaySeconds: 7 };
  expect(await run(fails(new Error("no")), options)).toMatchObject({
    kind: "retry",
    delayMs: 7_000,
  });
});

it("a result nobody wants is not kept", async () => {
  expect(await run(() => 1, { ignoreResult: true })).toEqual({ kind: "success", result: null });
});

const liar = new Proxy(new Error("x"), {
  get: () => {
    throw new Error("even its message throws");
  },
});

it.each([
  ["an error", new TypeError("boom"), "TypeError", "boom"],
  ["a string", "boom", "string", "boom"],
  ["null", null, "null", "null"],
  ["undefined", undefined, "undefined", "undefined"],
  [
    "an error that throws when it is looked at",
    liar,
    "unknown",
    "An error that can't be described.",
  ],
])("a handler that throws %s fails with a description", async (_what, thrown, type, message) => {
  const outcome = await run(fails(thrown));
  expect(outcome).toMatchObject({
    kind: "failure",
    error: { exc_type: type, exc_message: message },
  });
});

it("an error is retried only if the task says so, with Celery's backoff", async () => {
  expect((await run(fails(new Error("x")))).kind).toBe("failure");
  const delays = await Promise.all(
    [0, 1, 2].map((retries) => run(fails(new Error("x")), retried, claimed({ retries }))),
  );
  expect(delays).toMatchObject([{ delayMs: 2_000 }, { delayMs: 4_000 }, { delayMs: 8_000 }]);
  expect((await run(fails(new Error("x")), retried, claimed({ retries: 3 }))).kind).toBe("failure");
});

it("full jitter takes any share of the delay, and the maximum holds", async () => {
  const options = { autoretryFor: [Error], retryBackoff: 100, retryBackoffMaxSeconds: 150 };
  const outcome = await run(fails(new Error("x")), options, claimed({ retries: 2 }), 0.5);
  expect(outcome).toMatchObject({ kind: "retry", delayMs: 75_000 });
});

it("without a backoff the default delay is 180 seconds", async () => {
  const outcome = await run(fails(new Error("x")), { autoretryFor: [Error] });
  expect(outcome).toMatchObject({ kind: "retry", delayMs: 180_000 });
});

it("an excepted error, and a null that retries for ever", async () => {
  const options = { ...retried, dontAutoretryFor: [RangeError] };
  expect((await run(fails(new RangeError("x")), options)).kind).toBe("failure");
  const forever = { ...retried, maxRetries: null };
  expect((await run(fails(new Error("x")), forever, claimed({ retries: 999 }))).kind).toBe("retry");
});

it("the call's max_retries overrides the task's", async () => {
  const never = claimed({ options: { max_retries: 0 } });
  expect((await run(fails(new Error("x")), retried, never)).kind).toBe("failure");
});

it("ctx.retry asks for another attempt, and fails with its cause when none is left", async () => {
  const asked = await run(fails(new Retry({ countdownSeconds: 7 })));
  expect(asked).toMatchObject({ kind: "retry", delayMs: 7_000 });
  const plain = await run(fails(new Retry()));
  expect(plain).toMatchObject({ kind: "retry", delayMs: 180_000 });
  const last = claimed({ retries: 3 });
  const caused = await run(fails(new Retry({ cause: new RangeError("why") })), {}, last);
  expect(caused).toMatchObject({ kind: "failure", error: { exc_type: "RangeError" } });
  const bare = await run(fails(new Retry()), {}, last);
  expect(bare).toMatchObject({ kind: "failure", error: { exc_type: "MaxRetriesExceededError" } });
});

it("the hard time limit ends the attempt, whatever the handler does, and is not retried", async () => {
  const work = new Promise(() => undefined);
  const registry = new Registry<null>([
    define({ name: "task", params, ...retried, handler: () => work }),
  ]);
  const cut = Promise.resolve(new TimeLimitExceeded(5));
  const outlivedBy = vi.fn<Attempt<null>["outlivedBy"]>();
  const outcome = await runOnce(registry, attemptOf(claimed(), undefined, cut, outlivedBy), 0);
  expect(outcome).toMatchObject({ kind: "failure", error: { exc_type: "TimeLimitExceeded" } });
  expect(outlivedBy.mock.calls).toEqual([[work]]);
  expect(outlivedBy.mock.calls[0]?.[0]).toBe(work);
});

it("a query that a handler returns as it is runs once, also when its attempt is cut", async () => {
  const execute = vi.fn(() => new Promise(() => undefined));
  const query: PromiseLike<unknown> = {
    // oxlint-disable-next-line unicorn/no-thenable -- as an ORM's: whoever waits for it runs it
    then: (...told: Parameters<Promise<unknown>["then"]>) => execute().then(...told) as never,
  };
  const registry = new Registry<null>([define({ name: "task", params, handler: () => query })]);
  const cut = Promise.resolve(new TimeLimitExceeded(5));
  const outlivedBy = vi.fn<Attempt<null>["outlivedBy"]>((work) => void Promise.resolve(work));
  await runOnce(registry, attemptOf(claimed(), undefined, cut, outlivedBy), 0);
  await new Promise((resolve) => setImmediate(resolve));
  expect([outlivedBy.mock.calls.length, execute.mock.calls.length]).toEqual([1, 1]);
});

it("the hard time limit ends an attempt whose result is being stored", async () => {
  const task = define({ name: "task", params, ...retried, handler: () => "x".repeat(2_000_000) });
  const cut = Promise.withResolvers<Error>();
  const storeLarge = () => {
    cut.resolve(new TimeLimitExceeded(5));
    return new Promise<never>(() => undefined);
  };
  const attempt = attemptOf(claimed(), storeLarge, cut.promise);
  const outcomes: Outcome[] = [];
  void runOnce(new Registry<null>([task]), attempt, 0).then((outcome) => outcomes.push(outcome));
  await new Promise((resolve) => setImmediate(resolve));
  expect(outcomes[0]).toMatchObject({ kind: "failure", error: { exc_type: "TimeLimitExceeded" } });
});

it("a task that adds more to its group than a canvas takes fails, and sends none of it", async () => {
  const task = define({ name: "task", params, ...retried, handler: () => 1 });
  const plan = { node: "task", text: "x".repeat(256 * 1_024) } as unknown as Plan;
  const attempt = { ...attemptOf(claimed()), added: Array.from({ length: 200 }, () => plan) };
  const outcome = await runOnce(new Registry<null>([task]), attempt, 0);
  expect(outcome).toMatchObject({
    kind: "failure",
    error: { exc_message: expect.stringContaining("canvas") },
  });
});

it("a task that is no longer declared, or whose params changed, fails and says so", async () => {
  const unknown = await runOnce(new Registry<null>([]), attemptOf(claimed()), 0);
  expect(unknown).toMatchObject({ kind: "failure", error: { exc_type: "UnknownTaskError" } });
  const changed = await run(() => 1, retried, claimed({ kwargs: '{"a":"text"}' }));
  expect(changed).toMatchObject({ kind: "failure", error: { exc_type: "InvalidArgumentsError" } });
});

function runBatchOf(
  handler: (seen: readonly number[]) => Promise<readonly PromiseSettledResult<unknown>[]>,
  tasks: readonly ClaimedTask[],
) {
  const task = define({
    name: "task",
    params,
    ...retried,
    batch: { size: 10, handler: (calls) => handler(calls.map((call) => call.params.a)) },
  });
  const registry = new Registry<null>([task]);
  const attempts = tasks.map((each) => attemptOf(each));
  return Promise.all(runBatch(registry, task, attempts, null, () => 0.5));
}

async function fulfilled<T>(values: readonly T[]): Promise<PromiseSettledResult<T>[]> {
  return values.map((value) => ({ status: "fulfilled", value }));
}

const three = ["1", "2", "3"].map((id) => claimed({ id, kwargs: `{"a":${id}}` }));

it("a batch gives each call its own outcome", async () => {
  const outcomes = await runBatchOf(
    (seen) =>
      Promise.allSettled(
        seen.map(async (a) => {
          if (a === 2) throw new Error("bad");
          return a;
        }),
      ),
    three,
  );
  expect(outcomes).toMatchObject([
    { kind: "success", result: "1" },
    { kind: "retry", error: { exc_message: "bad" } },
    { kind: "success", result: "3" },
  ]);
});

it("a call of a batch whose params don't parse fails alone and never reaches the handler", async () => {
  const seen: number[] = [];
  const outcomes = await runBatchOf(
    (values) => {
      seen.push(...values);
      return fulfilled(values);
    },
    [claimed({ kwargs: '{"a":1}' }), claimed({ kwargs: "{}" }), claimed({ kwargs: '{"a":3}' })],
  );
  expect(seen).toEqual([1, 3]);
  expect(outcomes).toMatchObject([
    { kind: "success", result: "1" },
    { kind: "failure" },
    { kind: "success", result: "3" },
  ]);
});

it("a batch is given no call whose attempt was cut while an argument of it was loaded", async () => {
  const seen: number[] = [];
  const cut = Promise.withResolvers<Error>();
  const loaded = Promise.withResolvers<string>();
  const input = { into: "a", from: { large: { key: "k", bytes: 1 } } };
  const task = define({
    name: "task",
    params: z.object({ a: z.unknown() }),
    batch: {
      size: 10,
      handler: (calls) => {
        seen.push(calls.length);
        return fulfilled(calls);
      },
    },
  });
  const attempt = {
    ...attemptOf(claimed({ kwargs: "{}", options: { input } }), undefined, cut.promise),
    loadInput: () => loaded.promise,
  };
  const outcomes = runBatch(new Registry<null>([task]), task, [attempt], null, () => 0.5);
  cut.resolve(new TimeLimitExceeded(5));
  expect(await outcomes[0]).toMatchObject({ error: { exc_type: "TimeLimitExceeded" } });
  loaded.resolve("1");
  await new Promise((resolve) => setImmediate(resolve));
  expect(seen).toEqual([]);
});

it("a batch handler that throws, or forgets a call, is an error of those calls", async () => {
  const thrown = await runBatchOf(() => Promise.reject(new Error("all")), three);
  expect(thrown).toMatchObject(three.map(() => ({ kind: "retry", error: { exc_message: "all" } })));
  const short = await runBatchOf((seen) => fulfilled(seen.slice(0, 2)), three);
  expect(short.map(({ kind }) => kind)).toEqual(["success", "success", "retry"]);
});

it("Ignore ends a task without a result; it is never retried", async () => {
  expect(await run(fails(new Ignore()), retried)).toEqual({ kind: "ignore" });
});

it("Reject is a dead letter, or a second in its queue while retries are left; never retried by itself", async () => {
  expect(await run(fails(new Reject("no")), retried)).toMatchObject({
    kind: "failure",
    error: { exc_type: "Reject", exc_message: "no" },
  });
  const requeued = fails(new Reject("no", { requeue: true }));
  expect(await run(requeued, retried)).toMatchObject({ kind: "retry", delayMs: 1_000 });
  expect(await run(requeued, retried, claimed({ retries: 3 }))).toMatchObject({ kind: "failure" });
});

it("a provider's Retry-After is waited for, listed in autoretryFor or not, and never less than the backoff", async () => {
  const asks = fails(new RetryAfterError(90));
  expect(await run(asks)).toMatchObject({ kind: "retry", delayMs: 180_000 });
  const quick = { defaultRetryDelaySeconds: 1 };
  expect(await run(asks, quick)).toMatchObject({ kind: "retry", delayMs: 90_000 });
  expect(await run(asks, quick, claimed({ retries: 3 }))).toMatchObject({ kind: "failure" });
  const asksForMonths = fails(new RetryAfterError(9_999_999));
  expect(await run(asksForMonths, quick)).toMatchObject({ kind: "retry", delayMs: 86_400_000 });
  const own = fails(Object.assign(new TypeError("busy"), { retryAfterSeconds: 5 }));
  expect(await run(own, quick)).toMatchObject({ kind: "retry", delayMs: 5_000 });
  const none = fails(Object.assign(new TypeError("busy"), { retryAfterSeconds: Number.NaN }));
  expect(await run(none, quick)).toMatchObject({ kind: "failure" });
  expect(await run(asks, { dontAutoretryFor: [RetryAfterError] })).toMatchObject({
    kind: "failure",
  });
});

it("ctx.retry() may bring its own number of retries", async () => {
  const more = fails(new Retry({ countdownSeconds: 1, maxRetries: 9 }));
  expect(await run(more, {}, claimed({ retries: 5 }))).toMatchObject({ kind: "retry" });
  const forever = fails(new Retry({ countdownSeconds: 1, maxRetries: null }));
  expect(await run(forever, {}, claimed({ retries: 500 }))).toMatchObject({ kind: "retry" });
  const none = fails(new Retry({ maxRetries: 0, cause: new RangeError("given up") }));
  expect(await run(none)).toMatchObject({ kind: "failure", error: { exc_type: "RangeError" } });
});

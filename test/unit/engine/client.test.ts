import { expect, expectTypeOf, it } from "vitest";
import * as z from "zod";
import {
  compileRoutes,
  createTaskDefiner,
  importIdSecret,
  Lovage,
  Registry,
  shardOf,
  type CallOptions,
  type ParamsOf,
  type TaskSpec,
} from "#engine";

const define = createTaskDefiner<null>();
const sendMail = define({
  name: "send_mail",
  params: z.object({ to: z.string(), copies: z.number().int().default(1) }),
  queue: "emails",
  priority: 3,
  handler: ({ to }) => to.length,
});
const report = define({ name: "reports.daily", params: z.object({}), handler: () => null });
const plain = define({
  name: "plain",
  params: z.object({}),
  queue: "default",
  handler: () => null,
});
const NOW = 1_800_000_000_000;

function client() {
  const submitted: TaskSpec[] = [];
  const lovage = new Lovage({
    registry: new Registry<null>([sendMail, report, plain]),
    submitter: {
      submit: async (tasks) => {
        submitted.push(...tasks);
        return tasks.map(() => "accepted");
      },
    },
    settings: {
      shards: 4,
      routeOf: compileRoutes(
        [
          ["reports.*", { queue: "emails", priority: 2 }],
          ["*", { priority: 1 }],
        ],
        new Set(["default", "emails"]),
      ),
      queues: new Set(["default", "emails"]),
      idSecret: importIdSecret("s".repeat(32)),
    },
    clock: { now: () => NOW },
    random: { float: () => 0.6, bytes: (length) => new Uint8Array(length).fill(7) },
    owner: "shop",
  });
  return { lovage, submitted };
}

const call = (options: CallOptions) => sendMail.s({ to: "a" }, options);

it("delay submits the call with the task's own options", async () => {
  const { lovage, submitted } = client();
  const { taskId, answer } = await lovage.delay(sendMail, { to: "a@b.cc" });
  expect(answer).toBe("accepted");
  expect(shardOf(taskId)).toBe(2);
  expect(submitted).toEqual([
    {
      id: taskId,
      name: "send_mail",
      queue: "emails",
      priority: 3,
      kwargs: '{"to":"a@b.cc"}',
      owner: "shop",
      key: null,
      dueAt: null,
      expiresAt: null,
      options: {},
      fingerprint: null,
    },
  ]);
});

it("the options of a call override those of the task", async () => {
  const { lovage, submitted } = client();
  const options = {
    countdown: 60,
    expires: 120,
    queue: "default",
    priority: 9,
    maxRetries: null,
    softTimeLimit: 5,
    timeLimit: 10,
    ignoreResult: true,
  };
  await lovage.applyAsync(sendMail, { to: "a" }, options);
  expect(submitted[0]).toMatchObject({
    queue: "default",
    priority: 9,
    dueAt: NOW + 60_000,
    expiresAt: NOW + 120_000,
    options: { max_retries: null, soft_time_limit: 5, time_limit: 10, ignore_result: true },
  });
});

it("an eta in the past runs now", async () => {
  const { lovage, submitted } = client();
  await lovage.send(call({ eta: new Date(NOW - 1_000) }));
  expect(submitted[0]?.dueAt).toBeNull();
});

it("positional arguments bind in the order of the params", async () => {
  const { lovage, submitted } = client();
  await lovage.send({ ...call({}), args: ["a", 2], kwargs: {} });
  expect(submitted[0]?.kwargs).toBe('{"to":"a","copies":2}');
});

it.each<[options: CallOptions, field: string]>([
  [{ countdown: 1, eta: new Date(NOW) }, "countdown"],
  [{ countdown: -1 }, "countdown"],
  [{ countdown: Infinity }, "countdown"],
  [{ eta: new Date(Number.NaN) }, "eta"],
  [{ expires: new Date(Number.NaN) }, "expires"],
  [{ countdown: 60, expires: 60 }, "expires"],
  [{ expires: -1e300 }, "expires"],
  [{ key: "half \ud83d" }, "key"],
  [{ queue: "nowhere" }, "queue"],
  [{ priority: 10 }, "priority"],
  [{ priority: 1.5 }, "priority"],
  [{ maxRetries: -1 }, "maxRetries"],
  [{ timeLimit: 901 }, "timeLimitSeconds"],
  [{ softTimeLimit: 20, timeLimit: 10 }, "softTimeLimitSeconds"],
])("the options %j are refused, naming %s, and nothing is submitted", async (options, field) => {
  const { lovage, submitted } = client();
  await expect(lovage.send(call(options))).rejects.toMatchObject({ code: "invalid_option", field });
  expect(submitted).toEqual([]);
});

it("a countdown below 0 is called that", async () => {
  const { lovage } = client();
  await expect(lovage.send(call({ countdown: -1 }))).rejects.toThrow("countdown: -1 is below 0.");
});

it("a bad call among many refuses all and says which it is", async () => {
  const { lovage, submitted } = client();
  const bad = { ...call({}), kwargs: { to: 1 } };
  await expect(lovage.sendAll([call({}), bad])).rejects.toMatchObject({
    code: "invalid_call",
    index: 1,
  });
  expect(submitted).toEqual([]);
});

it("calls under one key are one id and one fingerprint; another call has another fingerprint", async () => {
  const { lovage } = client();
  const key = { route: "/api/tasks", key: "k" };
  const first = await lovage.prepareKeyed(call({}), key);
  expect(await lovage.prepareKeyed(call({}), key)).toEqual(first);
  const other = await lovage.prepareKeyed(sendMail.s({ to: "b" }), key);
  expect(other.id).toBe(first.id);
  expect(other.fingerprint).not.toBe(first.fingerprint);
});

it("a signature is plain JSON with Celery's keys", () => {
  expect(JSON.parse(JSON.stringify(sendMail.s({ to: "a" }, { countdown: 10 })))).toEqual({
    task: "send_mail",
    args: [],
    kwargs: { to: "a" },
    options: { countdown: 10 },
    subtask_type: null,
    immutable: false,
  });
});

it("params are typed where a task is called", () => {
  const { lovage } = client();
  expectTypeOf<ParamsOf<typeof sendMail>>().toEqualTypeOf<{
    to: string;
    copies?: number | undefined;
  }>();
  // @ts-expect-error -- a number is no address
  const wrong = () => lovage.delay(sendMail, { to: 1 });
  // @ts-expect-error -- an address is missing
  const missing = () => lovage.delay(sendMail, {});
  expect([wrong, missing]).toHaveLength(2);
});

it.each([
  ["a name with a space", { name: "a b" }, "name"],
  ["a limit over the platform's", { timeLimitSeconds: 901 }, "timeLimitSeconds"],
  ["soft over hard", { softTimeLimitSeconds: 9, timeLimitSeconds: 8 }, "softTimeLimitSeconds"],
  ["a negative backoff", { retryBackoff: -1 }, "retryBackoff"],
  ["half a retry", { maxRetries: 0.5 }, "maxRetries"],
])("a declaration with %s is refused when it is made", (_what, over, field) => {
  const declare = () => define({ name: "x", params: z.object({}), handler: () => 1, ...over });
  expect(declare).toThrow(expect.objectContaining({ code: "invalid_option", field }));
});

it("two tasks can't share a name", () => {
  expect(() => new Registry<null>([sendMail, sendMail])).toThrow(/declared twice/);
});

it("a call goes where it says, else where its declaration says, else where the first rule says", async () => {
  const { lovage, submitted } = client();
  await lovage.delay(report, {});
  await lovage.applyAsync(report, {}, { queue: "default", priority: 9 });
  await lovage.delay(plain, {});
  expect(submitted.map(({ queue, priority }) => [queue, priority])).toEqual([
    ["emails", 2],
    ["default", 9],
    ["default", 1],
  ]);
});

it.each([
  ["send_*", "send_mail", true],
  ["send_*", "resend_mail", false],
  ["*", "anything.at.all", true],
  ["a?c", "abc", true],
  ["a?c", "ac", false],
  ["a.c", "abc", false],
  ["plain", "plain", true],
  ["(a|b)+", "ab", false],
])("the rule %s for the name %s: %s", (pattern, name, isMatch) => {
  const routeOf = compileRoutes([[pattern, { priority: 5 }]], new Set());
  expect(routeOf(name)).toEqual(isMatch ? { priority: 5 } : {});
});

it("rules may be an object: the first that fits, in the order of its declaration", () => {
  const routes = { "send_sms*": { priority: 7 }, "send_*": { queue: "emails" } };
  const routeOf = compileRoutes(routes, new Set(["emails"]));
  expect(["send_sms_code", "send_mail", "other"].map(routeOf)).toEqual([
    { priority: 7 },
    { queue: "emails" },
    {},
  ]);
  const wrong = { "a*": { queue: "nope" } };
  expect(() => compileRoutes(wrong, new Set(["emails"]))).toThrow("routes.a*: 'nope' is none of");
});

it("rules that can't hold are refused when the deployment starts", () => {
  expect(() => compileRoutes([["a", { queue: "nope" }]], new Set(["default"]))).toThrow(
    "routes.a: 'nope' is none of default.",
  );
  expect(() => compileRoutes([["a", { priority: 10 }]], new Set())).toThrow("routes.a.priority");
});

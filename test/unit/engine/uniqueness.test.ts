import { expect, it } from "vitest";
import * as z from "zod";
import {
  createTaskDefiner,
  importIdSecret,
  Lovage,
  Registry,
  shardOf,
  type CallOptions,
  type SubmitAnswer,
  type TaskSpec,
} from "#engine";

const define = createTaskDefiner<null>();
const params = z.object({ to: z.string(), n: z.number().default(1) });
const base = { params, handler: () => null };
const plain = define({ ...base, name: "plain" });
const byKey = define({
  ...base,
  name: "by_key",
  unique: { key: ({ to }) => to, forSeconds: 60, keep: "first" },
});
const everybodys = define({ ...base, name: "everybodys", unique: { scope: "deployment" } });
const debounced = define({ ...base, name: "debounced", debounceSeconds: 5, debounceMaxSeconds: 9 });

const NOW = 1_800_000_000_000;
const idSecret = importIdSecret("s".repeat(32));

function client(owner = "shop", answer: SubmitAnswer = "accepted") {
  const submitted: TaskSpec[] = [];
  let count = 0;
  const lovage = new Lovage({
    registry: new Registry<null>([plain, byKey, everybodys, debounced]),
    submitter: {
      submit: async (tasks) => {
        submitted.push(...tasks);
        return tasks.map(() => answer);
      },
    },
    settings: {
      routeOf: () => ({}),
      shards: 64,
      queues: new Set(["default"]),
      idSecret,
    },
    clock: { now: () => NOW },
    random: {
      float: () => (count++ % 64) / 64,
      bytes: (length) => Uint8Array.from({ length }, () => count++ % 251),
    },
    owner,
  });
  return { lovage, submitted };
}

async function specOf(
  call: { name: string; kwargs?: Record<string, unknown>; options?: CallOptions },
  owner?: string,
): Promise<TaskSpec | undefined> {
  const { lovage } = client(owner);
  const { name: task, kwargs = { to: "a" }, options = {} } = call;
  const signature = { task, args: [], kwargs, options, subtask_type: null, immutable: false };
  return (await lovage.prepare([signature]))[0];
}

const keyOf = async (...call: Parameters<typeof specOf>) => (await specOf(...call))?.unique?.key;

it("a plain call carries nothing of it", async () => {
  const spec = await specOf({ name: "plain" });
  expect(Object.keys(spec ?? {})).not.toContain("unique");
  expect(spec?.options).toEqual({});
});

it("like calls have one key and one shard, whatever the order of their arguments", async () => {
  const options = { unique: true };
  const one = await specOf({ name: "plain", kwargs: { to: "a", n: 2 }, options });
  const { lovage } = client();
  await lovage.prepare([plain.s({ to: "shift the random numbers" })]);
  const [two] = await lovage.prepare([plain.s({ n: 2, to: "a" }, options)]);
  expect(two?.id).not.toBe(one?.id);
  expect(two?.unique).toEqual(one?.unique);
  expect(shardOf(two?.id ?? "")).toBe(shardOf(one?.id ?? ""));
  expect(one?.options.unique_key).toBe(one?.unique?.key);
  expect(one?.unique).toMatchObject({ keep: "first", holdMs: 0, isHeldOpen: true, debounce: null });
});

it("other arguments, tasks, keys and owners have other keys", async () => {
  const options = { unique: true };
  const keys = await Promise.all([
    keyOf({ name: "plain", options }),
    keyOf({ name: "plain", kwargs: { to: "b" }, options }),
    keyOf({ name: "plain", options: { unique: { key: "a" } } }),
    keyOf({ name: "plain", options: { throttleSeconds: 1 } }),
    keyOf({ name: "plain", options: { throttleSeconds: 1, key: "a" } }),
    keyOf({ name: "plain", options }, "another owner"),
    keyOf({ name: "by_key" }),
    keyOf({ name: "by_key" }, "another owner"),
    keyOf({ name: "debounced" }),
  ]);
  expect(new Set(keys).size).toBe(keys.length);
  expect(keys).not.toContain(undefined);
});

it("with the scope deployment the owner makes no difference", async () => {
  const key = await keyOf({ name: "everybodys" });
  expect(await keyOf({ name: "everybodys" }, "another owner")).toBe(key);
});

it("a declared key makes calls the same; a call overrides what it names, or all of it", async () => {
  const declared = await specOf({ name: "by_key", kwargs: { to: "a", n: 1 } });
  expect(declared?.unique).toMatchObject({ keep: "first", holdMs: 60_000, isHeldOpen: false });
  const same = await specOf({
    name: "by_key",
    kwargs: { to: "a", n: 2 },
    options: { unique: { forSeconds: 5, keep: "replace" } },
  });
  expect(same?.unique).toEqual({ ...declared?.unique, holdMs: 5_000, keep: "replace" });
  expect((await specOf({ name: "by_key", options: { unique: true } }))?.unique).toEqual(
    declared?.unique,
  );
  expect((await specOf({ name: "by_key", options: { unique: false } }))?.unique).toBeUndefined();
});

it("a throttle takes the key for its time, a debounce until the task runs", async () => {
  const throttled = await specOf({ name: "plain", options: { throttleSeconds: 90 } });
  expect(throttled?.unique).toMatchObject({ keep: "first", holdMs: 90_000, isHeldOpen: false });
  const both = await specOf({ name: "plain", options: { throttleSeconds: 90, unique: true } });
  expect(both?.unique).toMatchObject({ holdMs: 90_000, isHeldOpen: true });
  const spec = await specOf({ name: "debounced", kwargs: { to: "whoever" } });
  expect(spec?.dueAt).toBe(NOW + 5_000);
  expect(spec?.unique).toMatchObject({
    keep: "replace",
    isHeldOpen: true,
    debounce: { waitMs: 5_000, maxMs: 9_000 },
  });
});

it.each<[string, CallOptions, string]>([
  ["a key with a line break", { unique: { key: "a\nb" } }, "unique.key"],
  ["an empty key", { unique: { key: "" } }, "unique.key"],
  ["no time", { unique: { forSeconds: 0 } }, "unique.forSeconds"],
  ["a throttle of no number", { throttleSeconds: Number.NaN }, "throttleSeconds"],
  ["a negative debounce", { debounceSeconds: -1 }, "debounceSeconds"],
  ["a maximum without a debounce", { debounceMaxSeconds: 9 }, "debounceMaxSeconds"],
  ["a maximum below it", { debounceSeconds: 9, debounceMaxSeconds: 8 }, "debounceMaxSeconds"],
  ["a debounce and a throttle", { debounceSeconds: 9, throttleSeconds: 8 }, "debounceSeconds"],
  ["a debounce and a countdown", { debounceSeconds: 9, countdown: 8 }, "debounceSeconds"],
  [
    "a debounce that keeps the first",
    { debounceSeconds: 9, unique: { keep: "first" } },
    "debounceSeconds",
  ],
  ["an expiry before the debounce", { debounceSeconds: 9, expires: 9 }, "expires"],
  [
    "a throttle that replaces",
    { throttleSeconds: 9, unique: { keep: "replace" } },
    "throttleSeconds",
  ],
  ["two times", { throttleSeconds: 9, unique: { forSeconds: 9 } }, "throttleSeconds"],
])("a call with %s is refused, naming the field", async (_what, options, field) => {
  await expect(specOf({ name: "plain", options })).rejects.toMatchObject({
    code: "invalid_option",
    field,
  });
});

it("a declaration that can't work is refused when it is made", () => {
  const declare = () => define({ ...base, name: "x", debounceSeconds: 5, throttleSeconds: 5 });
  expect(declare).toThrow(expect.objectContaining({ field: "debounceSeconds" }));
});

it("a merged call is answered with the id of the task it is one with", async () => {
  const { lovage } = client("shop", { mergedInto: "the other", how: "duplicate" });
  const handle = await lovage.applyAsync(plain, { to: "a" }, { unique: true });
  expect(handle).toEqual({ taskId: "the other", answer: "duplicate" });
  expect(await lovage.sendAll([byKey.s({ to: "a" })])).toEqual(["the other"]);
});

it("under one Idempotency-Key a unique call has one id, in the shard of its unique key", async () => {
  const call = byKey.s({ to: "a" });
  const key = { route: "/x", key: "k" };
  const [first, second] = await Promise.all([
    client().lovage.prepareKeyed(call, key),
    client().lovage.prepareKeyed(call, key),
  ]);
  expect(second).toEqual(first);
  const [minted] = await client().lovage.prepare([call]);
  expect(shardOf(first.id)).toBe(shardOf(minted?.id ?? ""));
});

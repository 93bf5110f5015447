import { expect, it } from "vitest";
import * as z from "zod";
import {
  compileRoutes,
  createTaskDefiner,
  importIdSecret,
  Lovage,
  redacted,
  Registry,
  secret,
  type Attempt,
  type TaskContext,
} from "#engine";
import { createSealer } from "#platform/secrets/aes-sealer.ts";
import { createTestLovage } from "#testing";
import { noInput } from "../../no-large.ts";
import { runOnce } from "./run-once.ts";

const VALUE = "hunter2-hunter2";
const SEALER = createSealer([btoa("k".repeat(32))]);
const define = createTaskDefiner<null>();
const hidden = secret(z.string());
const Tree = z.object({
  value: hidden,
  get children() {
    return z.array(Tree).default([]);
  },
});

function taskOf(field: z.ZodType, handler: (value: unknown) => unknown = () => null) {
  const params = z.object({ field });
  return define({ name: "task", params, handler: (given) => handler(given.field) });
}

function registryOf(field: z.ZodType): Registry<null> {
  return new Registry<null>([taskOf(field)], SEALER);
}

it.each([
  ["optional", hidden.optional(), VALUE],
  ["with a default", hidden.default("x"), VALUE],
  ["nullable", hidden.nullable(), VALUE],
  ["marked, then checked", secret(z.string()).min(3), VALUE],
  ["marked, then described", secret(z.string()).meta({ title: "t" }), VALUE],
  ["transformed", hidden.transform((text) => text.length), VALUE],
  ["made of something", z.preprocess((given) => given, hidden), VALUE],
  ["in an object", z.object({ a: z.object({ b: hidden }) }), { a: { b: VALUE } }],
  ["among what else an object has", z.object({}).catchall(hidden), { a: VALUE }],
  ["in a list", z.array(z.object({ a: hidden })), [{ a: VALUE }]],
  ["in a tuple", z.tuple([z.number(), hidden]), [1, VALUE]],
  ["in the rest of a tuple", z.tuple([z.number()], hidden), [1, VALUE]],
  ["in a record", z.record(z.string(), hidden), { a: VALUE }],
  ["a record's key", z.record(hidden, z.number()), { [VALUE]: 1 }],
  ["in a union", z.union([z.number(), hidden]), VALUE],
  [
    "in a union of objects",
    z.discriminatedUnion("by", [
      z.object({ by: z.literal("card"), number: hidden }),
      z.object({ by: z.literal("cash") }),
    ]),
    { by: "card", number: VALUE },
  ],
  [
    "in an intersection",
    z.intersection(z.object({ a: hidden }), z.object({ b: z.number() })),
    { a: VALUE, b: 1 },
  ],
  ["lazy", z.lazy(() => hidden), VALUE],
  ["in what contains itself", Tree, { value: VALUE, children: [{ value: VALUE, children: [] }] }],
])("a secret is sealed and opened again: %s", async (_where, field, value) => {
  const registry = registryOf(field);
  const kwargs = registry.bind("task", [], { field: value });
  expect(kwargs).not.toContain(VALUE);
  expect(JSON.stringify(redacted(kwargs))).toContain("[secret]");
  expect(registry.plain("task", kwargs)).toEqual({ field: value });
  expect(registry.parse("task", kwargs)).toEqual({ field: field.parse(value) });
});

it("what is not marked stays as it is, in params that contain themselves too", () => {
  const Node = z.object({
    n: z.number(),
    get next() {
      return Node.optional();
    },
  });
  const registry = registryOf(Node);
  expect(registry.bind("task", [], { field: { n: 1, next: { n: 2 } } })).toBe(
    '{"field":{"n":1,"next":{"n":2}}}',
  );
});

it.each(["constructor", "toString", "__proto__"])(
  "a caller's key %s next to a secret is a key like any other",
  (key) => {
    const registry = registryOf(z.object({ a: hidden }));
    const field = JSON.parse(`{"a":"${VALUE}","${key}":1}`) as unknown;
    expect(redacted(registry.bind("task", [], { field }))).toMatchObject({
      field: { a: "[secret]" },
    });
  },
);

it.each([z.string(), z.any(), z.record(z.string(), z.string())])(
  "nobody can bring a sealed value, whatever the field takes",
  (type) => {
    const registry = registryOf(z.object({ a: secret(type) }));
    const field = { a: { $secret: SEALER.seal('"stolen"', "any") } };
    expect(() => registry.bind("task", [], { field })).toThrow(
      expect.objectContaining({
        code: "invalid_arguments",
        issues: [{ path: "field.a", message: "must be given unsealed" }],
      }),
    );
  },
);

const quoting = {
  error: (issue: { input?: unknown }) => `${JSON.stringify(issue.input)} is wrong`,
};

it.each([
  ["its own check", hidden.refine(() => false, quoting), VALUE, "field"],
  ["its length", secret(z.string().max(3, quoting)), VALUE, "field"],
  ["its type", secret(z.number(quoting)), VALUE, "field"],
  ["a part of it", secret(z.record(z.string(), z.number(quoting))), { [VALUE]: "x" }, "field"],
  ["what it is in", z.object({ a: hidden }).refine(() => false, quoting), { a: VALUE }, "field"],
])("an argument that doesn't fit is not quoted: %s", (_what, field, value, path) => {
  const registry = registryOf(field);
  try {
    registry.bind("task", [], { field: value });
    expect.unreachable();
  } catch (error) {
    const { issues, message } = error as { issues: { path: string }[]; message: string };
    expect(JSON.stringify([issues, message])).not.toContain(VALUE);
    expect(issues.map((issue) => issue.path)).toEqual([path]);
  }
});

it("what was sealed for one task does not open in another whose name goes on where that one's ends", () => {
  const inner = z.object({ b: z.object({ c: hidden }) });
  const registry = new Registry<null>(
    [
      define({ name: "a", params: inner, handler: () => null }),
      define({ name: "a.b", params: z.object({ c: hidden }), handler: () => null }),
    ],
    SEALER,
  );
  const kwargs = JSON.parse(registry.bind("a", [], { b: { c: VALUE } })) as { b: unknown };
  expect(() => registry.parse("a.b", JSON.stringify(kwargs.b))).toThrow("can't be opened");
});

async function errorOf(field: z.ZodType, value: unknown, handler: (value: unknown) => unknown) {
  const registry = new Registry<null>([taskOf(field, handler)], SEALER);
  const kwargs = registry.bind("task", [], { field: value });
  const attempt: Attempt<null> = {
    task: { id: "i", name: "task", kwargs, owner: "o", options: {}, attempt: 1, retries: 0 },
    ctx: { taskId: "i", retries: 0 } as TaskContext<null>,
    added: [],
    loadInput: noInput,
    cut: new Promise(() => undefined),
    outlivedBy: () => undefined,
    storeLarge: () => Promise.reject(new Error("not large")),
  };
  const outcome = await runOnce(registry, attempt, 0);
  if (outcome.kind !== "failure") throw new Error(`It ended with ${outcome.kind}.`);
  return outcome.error;
}

const fails = (message: string) => () => {
  throw new Error(message);
};

it.each([
  ["a part of a secret object", { card: "4111111111" }, "no 4111111111", "no [secret]"],
  ["one that begins another", ["abcd", "abcdefgh"], "got abcdefgh", "got [secret]"],
  ["a short one", "123", "CVV 123 of 11234", "CVV [secret] of 11234"],
  ["a number", 987_654, "code 987654.", "code [secret]."],
  ["as JSON writes it", 'a"b\nc', String.raw`{"p":"a\"b\nc"}`, '{"p":"[secret]"}'],
  ["in an address", "a b&c/d", "GET /?t=a%20b%26c%2Fd", "GET /?t=[secret]"],
  ["the word itself", ["secret", "[x]"], "my secret [x]", "my [secret] [secret]"],
  ["what a pattern would take for its own", "a.c*(", "a.c*( not abc", "[secret] not abc"],
])("an error is kept without the secret: %s", async (_what, value, message, kept) => {
  const error = await errorOf(secret(z.any()), value, fails(message));
  expect(error.exc_message).toBe(kept);
  // Only the first line: what follows are places in the code.
  expect(error.traceback?.startsWith(`Error: ${kept}`)).toBe(true);
});

it("no beginning of a secret is left where a long error is cut", async () => {
  const long = fails(`${"x".repeat(1_995)}${VALUE}`);
  const { exc_message: message } = await errorOf(hidden, VALUE, long);
  expect(message).toBe(`${"x".repeat(1_995)}[secr`);
});

it.each([true, false, null, ""])("%s as a secret takes nothing out of errors", async (value) => {
  const message = "true is not false, null is nothing";
  expect((await errorOf(secret(z.any()), value, fails(message))).exc_message).toBe(message);
});

it("the error of a failed step is kept without the secret", async () => {
  const task = define({
    name: "steps",
    params: z.object({ field: hidden }),
    handler: ({ field }, ctx) =>
      ctx.step("one", () => fails(`no ${field}`)(), { maxRetries: 1, retryDelaySeconds: 60 }),
  });
  const test = createTestLovage({ tasks: [task], services: null });
  const { taskId } = await test.lovage.delay(task, { field: VALUE });
  await test.runDue();
  const waiting = test.task(taskId);
  expect(waiting?.steps?.[0]?.error?.exc_message).toBe("no [secret]");
  await test.advance({ minutes: 5 });
  const ended = test.task(taskId);
  expect(ended).toMatchObject({ state: "FAILURE", error: { exc_message: "no [secret]" } });
  for (const shown of [waiting, ended]) {
    expect(JSON.stringify({ ...shown, kwargs: null })).not.toContain(VALUE);
  }
});

function client(registry: Registry<null>): Lovage {
  return new Lovage({
    registry,
    submitter: { submit: async (tasks) => tasks.map(() => "accepted") },
    settings: {
      shards: 4,
      queues: new Set(["default"]),
      routeOf: compileRoutes([], new Set()),
      idSecret: importIdSecret("s".repeat(32)),
    },
    clock: { now: () => 1_800_000_000_000 },
    random: { float: () => 0.3, bytes: (length) => new Uint8Array(length) },
    owner: "o",
  });
}

it("calls with equal secrets are one unique task, although they are sealed anew", async () => {
  const params = z.object({ field: hidden });
  const task = define({ name: "task", params, unique: true, handler: () => null });
  const lovage = client(new Registry<null>([task], SEALER));
  const [a] = await lovage.prepare([task.s({ field: VALUE })]);
  const [b] = await lovage.prepare([task.s({ field: VALUE })]);
  const [other] = await lovage.prepare([task.s({ field: "other" })]);
  expect(b?.kwargs).not.toBe(a?.kwargs);
  expect(b?.unique?.key).toBe(a?.unique?.key);
  expect(other?.unique?.key).not.toBe(a?.unique?.key);
});

it("a replay with new secrets needs none of the old ones", () => {
  const stored = registryOf(z.object({ a: hidden })).bind("task", [], { field: { a: VALUE } });
  const without = new Registry<null>([taskOf(z.object({ a: hidden }))]);
  expect(without.withOldSecrets("task", { field: { a: "new" } }, stored)).toEqual({
    field: { a: "new" },
  });
  expect(() => without.withOldSecrets("task", { field: { a: "[secret]" } }, stored)).toThrow(
    expect.objectContaining({ code: "secret_unreadable" }),
  );
});

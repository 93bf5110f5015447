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
  type TaskRecord,
  type TaskSpec,
} from "#engine";
import { createSealer } from "#platform/secrets/aes-sealer.ts";
import { noInput } from "../../no-large.ts";
import { runOnce } from "./run-once.ts";

const KEY = btoa("k".repeat(32));
const OTHER_KEY = btoa("o".repeat(32));
const define = createTaskDefiner<null>();

const login = define({
  name: "login",
  params: z.object({
    user: z.string(),
    password: secret(z.string().min(3)),
    tokens: z.array(z.object({ id: z.number(), value: secret(z.string()) })).default([]),
    pin: secret(z.number()).optional(),
    note: z.string().nullable().optional(),
  }),
  autoretryFor: [Error],
  handler: ({ password, tokens, pin }) => {
    if (password === "wrong-password") throw new Error(`The password ${password} is wrong.`);
    return [password.length, tokens.length, pin ?? null];
  },
});

const CALL = {
  user: "ann",
  password: "correct horse",
  tokens: [{ id: 1, value: "t0ken" }],
  pin: 1_234,
};

function registryWith(keys: readonly string[]): Registry<null> {
  return new Registry<null>([login], createSealer(keys));
}

function attempt(kwargs: string): Attempt<null> {
  const task = { id: "id", name: "login", kwargs, owner: "o", options: {}, attempt: 1, retries: 0 };
  const ctx = { taskId: "id", retries: 0 } as TaskContext<null>;
  const storeLarge = () => Promise.reject(new Error("not large"));
  return {
    task,
    ctx,
    cut: new Promise(() => undefined),
    outlivedBy: () => undefined,
    storeLarge,
    added: [],
    loadInput: noInput,
  };
}

it.each([
  ["with a key", [KEY]],
  ["without one", []],
])("secrets are sealed at the door and opened for the handler alone, %s", async (_how, keys) => {
  const registry = registryWith(keys);
  const kwargs = registry.bind("login", [], CALL);
  expect(redacted(kwargs)).toEqual({
    user: "ann",
    password: "[secret]",
    tokens: [{ id: 1, value: "[secret]" }],
    pin: "[secret]",
  });
  for (const value of ["correct horse", "t0ken", "1234"]) {
    expect(kwargs.includes(value)).toBe(keys.length === 0);
  }
  expect(registry.parse("login", kwargs)).toEqual(CALL);
  expect(await runOnce(registry, attempt(kwargs), 0)).toEqual({
    kind: "success",
    result: "[13,1,1234]",
  });
});

it("a key may be replaced: what the old one sealed opens as long as it is known", async () => {
  const kwargs = registryWith([KEY]).bind("login", [], CALL);
  expect(registryWith([OTHER_KEY, KEY]).parse("login", kwargs)).toEqual(CALL);
  const outcome = await runOnce(registryWith([OTHER_KEY]), attempt(kwargs), 0);
  expect(outcome).toMatchObject({
    kind: "failure",
    error: { exc_type: "SecretUnreadableError" },
  });
});

it("what was sealed for one place opens in no other, and what was changed does not open", () => {
  const sealer = createSealer([KEY]);
  const sealed = sealer.seal("x", "login.password");
  expect(sealer.open(sealed, "login.password")).toBe("x");
  expect(() => sealer.open(sealed, "login.pin")).toThrow("can't be opened");
  const changed = `${sealed.slice(0, -4)}AAA=`;
  expect(() => sealer.open(changed, "login.password")).toThrow("can't be opened");
  expect(() => sealer.open("nonsense", "login.password")).toThrow("can't be opened");
});

it("an error that quotes a secret is kept without it, in its stack too", async () => {
  const registry = registryWith([KEY]);
  const kwargs = registry.bind("login", [], { user: "ann", password: "wrong-password" });
  const outcome = await runOnce(registry, attempt(kwargs), 0);
  expect(outcome).toMatchObject({
    kind: "retry",
    error: { exc_message: "The password [secret] is wrong." },
  });
  expect(JSON.stringify(outcome)).not.toContain("wrong-password");
});

it("a problem with a secret argument does not quote it, and nobody can bring a sealed one", () => {
  const registry = registryWith([KEY]);
  const sealed = { $secret: createSealer([KEY]).seal('"stolen"', "login.password") };
  for (const password of ["no", sealed]) {
    try {
      registry.bind("login", [], { user: "ann", password });
      expect.unreachable();
    } catch (error) {
      expect(String(error)).toMatch(/^InvalidArgumentsError: login: password: /);
      expect(String(error)).not.toContain("stolen");
    }
  }
});

function client(registry: Registry<null>) {
  return new Lovage({
    registry,
    submitter: { submit: async (tasks) => tasks.map(() => "accepted") },
    settings: {
      shards: 1,
      queues: new Set(["default"]),
      routeOf: compileRoutes([], new Set()),
      idSecret: importIdSecret("s".repeat(32)),
    },
    clock: { now: () => 1_800_000_000_000 },
    random: { float: () => 0, bytes: (length) => new Uint8Array(length) },
    owner: "o",
  });
}

it("a repeated call with a secret is known as the same call, although it is sealed anew", async () => {
  const lovage = client(registryWith([KEY]));
  const key = { route: "r", key: "k" };
  const first = await lovage.prepareKeyed(login.s(CALL), key);
  const again = await lovage.prepareKeyed(login.s(CALL), key);
  expect(again.kwargs).not.toBe(first.kwargs);
  expect(again.fingerprint).toBe(first.fingerprint);
  const other = await lovage.prepareKeyed(login.s({ ...CALL, password: "another" }), key);
  expect(other.fingerprint).not.toBe(first.fingerprint);
});

it("a replay keeps secrets that are edited as they were shown", async () => {
  const registry = registryWith([KEY]);
  const lovage = client(registry);
  const [spec] = await lovage.prepare([login.s(CALL)]);
  const old = { ...(spec as TaskSpec), options: {} } as unknown as TaskRecord;
  const same = await lovage.prepareReplay(old, null);
  expect(registry.plain("login", same.kwargs)).toEqual(CALL);
  const shown = redacted(old.kwargs) as Record<string, unknown>;
  const edited = await lovage.prepareReplay(old, { ...shown, user: "bob", pin: 9 });
  expect(registry.plain("login", edited.kwargs)).toEqual({ ...CALL, user: "bob", pin: 9 });
});

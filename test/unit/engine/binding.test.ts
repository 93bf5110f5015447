import { array, assert, integer, jsonValue, property, string, uniqueArray } from "fast-check";
import { expect, it } from "vitest";
import * as z from "zod";
import { canonicalJson, createTaskDefiner, fingerprint, importIdSecret, Registry } from "#engine";

const define = createTaskDefiner<null>();
const idSecret = await importIdSecret("s".repeat(32));
const registry = new Registry<null>([
  define({
    name: "charge",
    params: z.object({
      order: z.string(),
      amount: z.number(),
      currency: z.string().default("USD"),
      note: z.string().optional(),
    }),
    handler: () => null,
  }),
]);

const bind = (args: unknown[], kwargs: Record<string, unknown> = {}) =>
  JSON.parse(registry.bind("charge", args, kwargs)) as unknown;

it("positional arguments bind in the order of the params, named ones fill the rest", () => {
  expect(bind(["o", 5, "EUR"])).toEqual({ order: "o", amount: 5, currency: "EUR" });
  expect(bind(["o"], { amount: 5 })).toEqual({ order: "o", amount: 5 });
  expect(bind([], { amount: 5, order: "o" })).toEqual({ order: "o", amount: 5 });
});

it("defaults are left to the run: a changed default counts for calls that wait", () => {
  expect(bind(["o", 5])).toEqual({ order: "o", amount: 5 });
  const parsed = registry.parse("charge", registry.bind("charge", ["o", 5], {}));
  expect(parsed).toEqual({ order: "o", amount: 5, currency: "USD" });
});

it("however a call splits its arguments between position and name, it is the same call", () => {
  const all = { order: "o", amount: 5, currency: "EUR", note: "n" };
  assert(
    property(integer({ min: 0, max: 4 }), (split) => {
      const values = Object.values(all);
      const named = Object.fromEntries(Object.entries(all).slice(split));
      expect(bind(values.slice(0, split), named)).toEqual(all);
    }),
  );
});

it.each<[what: string, args: unknown[], kwargs: Record<string, unknown>, paths: string[]]>([
  ["one argument too many", ["o", 5, "EUR", "n", "x"], {}, ["args"]],
  ["an argument given twice", ["o", 5], { amount: 6 }, ["amount"]],
  ["a param that there isn't", ["o", 5], { colour: "red" }, ["kwargs"]],
  ["a missing param", ["o"], {}, ["amount"]],
  ["two of the wrong type", [1, "five"], {}, ["order", "amount"]],
  ["no finite number", ["o", Infinity], {}, ["amount"]],
])("%s is refused, naming the argument", (_what, args, kwargs, paths) => {
  expect(() => bind(args, kwargs)).toThrow(
    expect.objectContaining({
      code: "invalid_arguments",
      issues: paths.map((path) => expect.objectContaining({ path })),
    }),
  );
});

it.each(["__proto__", "constructor", "toString"])("'%s' is no param of any task", (name) => {
  const kwargs = JSON.parse(`{"order":"o","amount":5,"${name}":{"isAdmin":true}}`) as object;
  expect(() => bind([], { ...kwargs })).toThrow(
    expect.objectContaining({ code: "invalid_arguments" }),
  );
});

it("arguments of more than 256 KiB are refused, counted in bytes", () => {
  expect(() => bind(["ж".repeat(140_000), 5])).toThrow(/bytes/);
  const fits = "z".repeat(200_000);
  expect(JSON.stringify(bind([fits, 5]))).toContain(fits);
});

it("the same value has the same canonical text, in whatever order its keys came", () => {
  assert(
    property(
      uniqueArray(string(), { maxLength: 8 }),
      array(jsonValue(), { minLength: 8, maxLength: 8 }),
      (keys, values) => {
        const entries = keys.map((key, index) => [key, values[index] ?? null] as const);
        const there = Object.fromEntries(entries);
        const back = Object.fromEntries([...entries].toReversed());
        expect(canonicalJson(there)).toBe(canonicalJson(back));
        expect(JSON.parse(canonicalJson(there))).toEqual(JSON.parse(JSON.stringify(there)));
      },
    ),
  );
});

it("a fingerprint tells calls apart that differ in anything", async () => {
  const calls = [
    ["t", { a: 1 }, {}],
    ["t", { a: 2 }, {}],
    ["t", { a: "1" }, {}],
    ["t", { a: [1] }, {}],
    ["u", { a: 1 }, {}],
    ["t", { a: 1 }, { countdown: 1 }],
  ];
  const prints = await Promise.all(calls.map((call) => fingerprint(idSecret, call)));
  expect(new Set(prints).size).toBe(calls.length);
  expect(await fingerprint(idSecret, ["t", { a: 1 }, {}])).toBe(prints[0]);
});

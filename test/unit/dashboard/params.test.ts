import { expect, it } from "vitest";
import * as z from "zod";
import { createTaskDefiner, paramsSchema, secret } from "#engine";
import {
  isShownWhole,
  masked,
  maskedArgs,
  paramsOf,
  readParams,
  valuesOf,
} from "../../../src/delivery/dashboard/params/index.ts";

const define = createTaskDefiner<null>();
const schemaOf = (params: z.ZodObject<z.ZodRawShape>) =>
  paramsSchema(define({ name: "t", params, handler: () => null }));
const formOf = (shape: z.ZodRawShape) => paramsOf(schemaOf(z.object(shape)));
const read = (shape: z.ZodRawShape, values: Record<string, string>) =>
  readParams(formOf(shape), values);

it.each([
  ["text", z.string(), "a b", "a b"],
  ["an integer", z.int(), "12", 12],
  ["a number", z.number(), "-1.5", -1.5],
  ["yes", z.boolean(), "true", true],
  ["no", z.boolean(), "false", false],
  ["a choice", z.enum(["a", "b"]), "b", "b"],
  ["a number to choose", z.union([z.literal(1)]), "1", 1],
  ["lines", z.array(z.string()), "a\r\nb\r\n", ["a", "b"]],
  ["numbers", z.array(z.int()), "1\n2", [1, 2]],
  ["anything else as JSON", z.array(z.object({ a: z.int() })), '[{"a": 1}]', [{ a: 1 }]],
  ["a secret", secret(z.string()), "hunter2", "hunter2"],
  ["what may be null", z.string().nullable(), "x", "x"],
])("%s is read as what it is", (_what, schema, text, value) => {
  expect(read({ field: schema }, { "p/field": text })).toEqual({
    kwargs: { field: value },
    faults: [],
  });
});

it("what is left empty is left out, so that the task's own default holds", () => {
  const shape = { a: z.string().default("x"), b: z.int().optional(), c: z.boolean().default(true) };
  expect(read(shape, { "p/a": "", "p/b": "", "p/c": "" }).kwargs).toEqual({});
});

it("a required text may be empty; what may be null and is required is null", () => {
  expect(read({ a: z.string(), b: z.int().nullable() }, {}).kwargs).toEqual({ a: "", b: null });
});

it("what is no number goes on as it is, for the task's own check to refuse it where it stands", () => {
  expect(read({ a: z.int() }, { "p/a": "1e9" }).kwargs).toEqual({ a: "1e9" });
});

it("an object is asked for part by part, and left out where it may be and nothing was entered", () => {
  const shape = {
    to: z.object({ name: z.string(), zip: z.int() }),
    from: z.object({ name: z.string() }).optional(),
  };
  const values = { "p/to/name": "Ada", "p/to/zip": "12" };
  expect(read(shape, values).kwargs).toEqual({ to: { name: "Ada", zip: 12 } });
});

it("JSON that is none is a fault of its field", () => {
  const { faults } = read({ any: z.record(z.string(), z.int()) }, { "p/any": "{" });
  expect(faults).toEqual([{ field: "kwargs.any", message: "This is not JSON." }]);
});

it("names with slashes and tildes keep their own fields", () => {
  const shape = { "a/b": z.string(), "a~1b": z.string() };
  expect(read(shape, { "p/a~1b": "one", "p/a~01b": "two" }).kwargs).toEqual({
    "a/b": "one",
    "a~1b": "two",
  });
});

it("arguments come back from a form as they went into it", () => {
  const params = z.object({
    a: z.string(),
    b: z.array(z.int()).optional(),
    c: z.object({ d: z.boolean().optional() }).optional(),
    e: z.record(z.string(), z.unknown()).optional(),
  });
  const kwargs = { a: "x\ny", b: [1, 2], c: { d: false }, e: { f: [1] } };
  const fields = paramsOf(schemaOf(params));
  expect(readParams(fields, valuesOf(fields, kwargs)).kwargs).toEqual(kwargs);
  expect(isShownWhole(schemaOf(params), kwargs)).toBe(true);
});

it.each([
  ["one that the task has no more", { a: "x", gone: 1 }],
  ["one that is not what its field takes", { a: { b: 1 } }],
  ["lines that would be lost", { a: "x", b: ["one\ntwo"] }],
])("a form does not take over arguments that it can't give back: %s", (_which, kwargs) => {
  const params = z.object({ a: z.string(), b: z.array(z.string()).optional() });
  expect(isShownWhole(schemaOf(params), kwargs)).toBe(false);
});

const SECRETS = z.object({
  key: secret(z.string()),
  deep: z.object({ token: secret(z.string()), name: z.string() }).optional(),
  list: z.array(z.object({ pin: secret(z.string()) })).optional(),
  either: z.union([z.object({ pin: secret(z.string()) }), z.string()]).optional(),
});

it("no secret of arguments is shown, wherever it stands", () => {
  const kwargs = {
    key: "hunter2",
    deep: { token: "hunter2", name: "shown" },
    list: [{ pin: "hunter2" }],
    either: "hunter2",
  };
  const shown = masked(schemaOf(SECRETS), kwargs);
  expect(JSON.stringify(shown)).not.toContain("hunter2");
  expect(shown).toMatchObject({ key: "[secret]", deep: { token: "[secret]", name: "shown" } });
  expect(maskedArgs(schemaOf(SECRETS), ["hunter2"])).toEqual(["[secret]"]);
});

it("a secret is never among the fields of a form", () => {
  const values = valuesOf(paramsOf(schemaOf(SECRETS)), {
    key: "hunter2",
    deep: { token: "hunter2", name: "n" },
    list: [{ pin: "hunter2" }],
  });
  expect(JSON.stringify(values)).not.toContain("hunter2");
  expect(isShownWhole(schemaOf(SECRETS), { key: "hunter2" })).toBe(false);
});

import { expect, it } from "vitest";
import * as z from "zod";
import { createTaskDefiner, paramsSchema, secret } from "#engine";
import { shopTasks } from "../../../src/domain/index.ts";

const define = createTaskDefiner<null>();
const propertiesOf = (params: z.ZodObject<z.ZodRawShape>) =>
  paramsSchema(define({ name: "t", params, handler: () => null }))["properties"];

it("arguments keep their order, defaults and choices; no other is taken", () => {
  const params = z.object({
    user_id: z.int().min(1),
    kind: z.enum(["a", "b"]).default("b"),
    note: z.string().nullable().optional(),
  });
  expect(paramsSchema(define({ name: "t", params, handler: () => null }))).toEqual({
    type: "object",
    properties: {
      user_id: { type: "integer", minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
      kind: { type: "string", enum: ["a", "b"], default: "b" },
      note: { type: ["string", "null"] },
    },
    required: ["user_id"],
    additionalProperties: false,
  });
  expect(Object.keys(propertiesOf(params) ?? {})).toEqual(["user_id", "kind", "note"]);
});

it("what is given counts, not what the handler makes of it", () => {
  const at = z.iso.datetime().transform((text) => new Date(text));
  expect(propertiesOf(z.object({ at }))).toMatchObject({ at: { type: "string" } });
});

it.each([
  ["at the top", secret(z.string())],
  ["optional", secret(z.string()).optional()],
  ["with a default, which is not told", secret(z.string().default("hunter2"))],
  ["with a default around it", secret(z.string()).default("hunter2")],
])("a secret is write-only: %s", (_where, field) => {
  const properties = propertiesOf(z.object({ field }));
  expect(properties).toEqual({ field: { type: "string", writeOnly: true } });
});

it("nor is a default told that has a secret in it", () => {
  const field = z.object({ key: secret(z.string()) }).default({ key: "hunter2" });
  expect(JSON.stringify(propertiesOf(z.object({ field })))).not.toContain("hunter2");
});

it("a secret inside of a list is write-only", () => {
  const field = z.array(z.object({ key: secret(z.string()) }));
  expect(JSON.stringify(propertiesOf(z.object({ field })))).toContain('"writeOnly":true');
});

it("what no JSON Schema describes is any JSON", () => {
  expect(propertiesOf(z.object({ any: z.custom() }))).toEqual({ any: {} });
});

it("every task of the shop has a schema", () => {
  const types = shopTasks.map((task) => paramsSchema(task)["type"]);
  expect(new Set(types)).toEqual(new Set(["object"]));
});

import { REDACTED, type JsonSchema } from "#engine";
import { hasSecretIn } from "./params-form.ts";

/** Arguments as they may be shown: what their schema calls secret, or may hold a secret, is `[secret]`. */
export function masked(schema: JsonSchema, value: unknown): unknown {
  return hasSecretIn(schema) ? walk(schema, value) : value;
}

function walk(schema: unknown, value: unknown): unknown {
  if (typeof schema !== "object" || schema === null || value === null) return value;
  const { writeOnly, items, prefixItems, properties, additionalProperties } = schema as JsonSchema;
  // Which branch a value goes by is not known here.
  const isOpen = ["$ref", "anyOf", "oneOf", "allOf"].some((key) => key in schema);
  if (writeOnly === true || (isOpen && ("$ref" in schema || hasSecretIn(schema)))) return REDACTED;
  if (typeof value !== "object") return value;
  if (Array.isArray(value)) {
    const first = Array.isArray(prefixItems) ? (prefixItems as unknown[]) : [];
    return value.map((item, index) => walk(first[index] ?? items, item));
  }
  const named = (properties ?? {}) as Readonly<Record<string, unknown>>;
  const entries = Object.entries(value).map(([key, item]) => [
    key,
    walk(Object.hasOwn(named, key) ? named[key] : additionalProperties, item),
  ]);
  return Object.fromEntries(entries) as unknown;
}

/** The same of arguments by position. */
export function maskedArgs(schema: JsonSchema, args: readonly unknown[]): unknown[] {
  const parts = Object.values((schema["properties"] ?? {}) as Readonly<Record<string, unknown>>);
  return args.map((value, index) =>
    hasSecretIn(parts[index] ?? {}) ? walk(parts[index], value) : value,
  );
}

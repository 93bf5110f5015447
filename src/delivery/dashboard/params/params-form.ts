import type { JsonSchema } from "#engine";

/** How an argument is entered. */
export type Entry =
  | { readonly kind: "text"; readonly format: string | null; readonly isLong: boolean }
  | { readonly kind: "secret" }
  | { readonly kind: "number"; readonly isInteger: boolean }
  | { readonly kind: "boolean" }
  /** One of these. */
  | { readonly kind: "choice"; readonly choices: readonly (string | number)[] }
  /** One a line. */
  | { readonly kind: "lines"; readonly of: "text" | "number" }
  | { readonly kind: "group"; readonly params: readonly Param[] }
  /** Anything else: as JSON. `hasSecret`: it is not shown again. */
  | { readonly kind: "json"; readonly hasSecret: boolean };

/** An argument, or a part of one, as a form asks for it. */
export interface Param {
  /** From the arguments to it. */
  readonly path: readonly string[];
  readonly entry: Entry;
  readonly isRequired: boolean;
  /** Null may stand in its place. */
  readonly isNullable: boolean;
  /** Undefined: none. */
  readonly fallback: unknown;
  readonly description: string | null;
  /** What else the schema says of it, in a few words: `1 to 100 characters`. */
  readonly rules: string | null;
}

/** Objects within each other that are asked for field by field; what is deeper is JSON. */
const MAX_DEPTH = 3;
/** Text that may be longer than this gets several lines. */
const LONG_TEXT = 300;

/** What a form asks for, from the schema of a task's arguments; see `paramsSchema`. */
export function paramsOf(schema: JsonSchema, path: readonly string[] = []): Param[] {
  const required = new Set(list(schema["required"]));
  return Object.entries(record(schema["properties"])).map(([name, inner]) =>
    paramOf(record(inner), [...path, name], required.has(name)),
  );
}

/** The name of a parameter's field in a form; no two paths have the same. */
export function fieldOf(path: readonly string[]): string {
  return ["p", ...path.map((part) => part.replaceAll("~", "~0").replaceAll("/", "~1"))].join("/");
}

/** Whether anything in a schema is secret. */
export function hasSecretIn(schema: unknown): boolean {
  return JSON.stringify(schema).includes('"writeOnly":true');
}

function paramOf(given: JsonSchema, path: readonly string[], isRequired: boolean): Param {
  const { schema, isNullable } = withoutNull(given);
  const description = schema["description"] ?? given["description"];
  return {
    path,
    entry: entryOf(schema, path),
    isRequired: isRequired && given["default"] === undefined,
    isNullable,
    fallback: given["default"],
    description: typeof description === "string" ? description : null,
    rules: rulesOf(schema),
  };
}

/** `string or null` is a string that may be left out. */
function withoutNull(given: JsonSchema): { schema: JsonSchema; isNullable: boolean } {
  const types = list(given["type"]);
  if (types.length === 2 && types.includes("null")) {
    const type = types.find((one) => one !== "null");
    const choices = given["enum"];
    const kept = Array.isArray(choices) ? { enum: choices.filter((one) => one !== null) } : {};
    return { schema: { ...given, ...kept, type }, isNullable: true };
  }
  const branches = list(given["anyOf"]).map(record);
  const others = branches.filter(({ type }) => type !== "null");
  const [only] = others;
  if (only !== undefined && others.length === 1 && branches.length === 2) {
    const { anyOf: _both, ...rest } = given;
    return { schema: { ...rest, ...only }, isNullable: true };
  }
  return { schema: given, isNullable: false };
}

function entryOf(schema: JsonSchema, path: readonly string[]): Entry {
  if (schema["writeOnly"] === true) {
    return schema["type"] === "string" ? { kind: "secret" } : { kind: "json", hasSecret: true };
  }
  const json: Entry = { kind: "json", hasSecret: hasSecretIn(schema) };
  const choices = "const" in schema ? [schema["const"]] : list(schema["enum"]);
  if (choices.length > 0) {
    return choices.every(isPlain) ? { kind: "choice", choices } : json;
  }
  switch (schema["type"]) {
    case "string":
      return textEntry(schema);
    case "integer":
    case "number":
      return { kind: "number", isInteger: schema["type"] === "integer" };
    case "boolean":
      return { kind: "boolean" };
    case "array":
      return linesEntry(record(schema["items"])) ?? json;
    case "object": {
      const isOpen = Object.keys(record(schema["properties"])).length === 0;
      if (isOpen || path.length >= MAX_DEPTH) return json;
      return { kind: "group", params: paramsOf(schema, path) };
    }
    default:
      return json;
  }
}

function textEntry(schema: JsonSchema): Entry {
  const { maxLength, format } = schema;
  return {
    kind: "text",
    format: typeof format === "string" ? format : null,
    isLong: typeof maxLength === "number" && maxLength > LONG_TEXT,
  };
}

function linesEntry(items: JsonSchema): Entry | null {
  if (items["writeOnly"] === true || "enum" in items) return null;
  if (items["type"] === "string") return { kind: "lines", of: "text" };
  const isNumber = items["type"] === "integer" || items["type"] === "number";
  return isNumber ? { kind: "lines", of: "number" } : null;
}

function rulesOf(schema: JsonSchema): string | null {
  const rules = [
    range(schema["minimum"], schema["maximum"], ""),
    range(schema["minLength"], schema["maxLength"], " characters"),
    range(schema["minItems"], schema["maxItems"], " items"),
    typeof schema["format"] === "string" ? schema["format"] : null,
  ];
  const said = rules.filter((rule) => rule !== null);
  return said.length === 0 ? null : said.join(", ");
}

function range(low: unknown, high: unknown, unit: string): string | null {
  const isReal = (value: unknown): value is number =>
    typeof value === "number" && Math.abs(value) < Number.MAX_SAFE_INTEGER;
  if (isReal(low) && isReal(high)) return `${low} to ${high}${unit}`;
  if (isReal(low)) return low === 0 && unit !== "" ? null : `at least ${low}${unit}`;
  return isReal(high) ? `at most ${high}${unit}` : null;
}

function isPlain(value: unknown): value is string | number {
  return typeof value === "string" || typeof value === "number";
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

function record(value: unknown): JsonSchema {
  return typeof value === "object" && value !== null ? (value as JsonSchema) : {};
}

import { REDACTED, type JsonSchema } from "#engine";
import { jsonOf } from "../../api/http/body.ts";
import { problemOf, type FieldError } from "../../api/http/problems.ts";
import { numberOf, textOf, type Fields } from "../shell/index.ts";
import { fieldOf, hasSecretIn, paramsOf, type Param } from "./params-form.ts";

/** What was entered, as the arguments of a call; what can't even be read is among the faults. */
export interface ReadParams {
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly faults: readonly FieldError[];
}

/**
 * The arguments that a generated form was filled in with. What is left empty is left out, so that the task's
 * own default holds; a text that is required is given as the empty one. What doesn't fit is passed on as it is:
 * the task's own check says so.
 */
export function readParams(params: readonly Param[], values: Fields): ReadParams {
  const kwargs: Record<string, unknown> = {};
  const faults: FieldError[] = [];
  for (const param of params) {
    const value = readParam(param, values, faults);
    const name = param.path.at(-1) ?? "";
    if (value !== undefined) kwargs[name] = value;
  }
  return { kwargs, faults };
}

function readParam(param: Param, values: Fields, faults: FieldError[]): unknown {
  const { entry, path, isRequired } = param;
  if (entry.kind === "group") {
    const inner = readParams(entry.params, values);
    const isEmpty = Object.keys(inner.kwargs).length === 0 && inner.faults.length === 0;
    if (!isRequired && (isEmpty || isUntouched(entry.params, values))) return undefined;
    faults.push(...inner.faults);
    return inner.kwargs;
  }
  const text = textOf(values, fieldOf(path));
  if (text === "") return param.isNullable && isRequired ? null : emptyOf(param);
  switch (entry.kind) {
    case "text":
    case "secret":
      return lineBreaks(text);
    case "number":
      return numberOf(text);
    case "boolean":
      return text === "true" ? true : text === "false" ? false : text;
    case "choice":
      return entry.choices.find((choice) => String(choice) === text) ?? text;
    case "lines":
      return linesOf(text).map((line) => (entry.of === "number" ? numberOf(line) : line));
    case "json": {
      const read = readJson(text);
      if ("value" in read) return read.value;
      faults.push({ field: ["kwargs", ...path].join("."), message: read.fault });
      return undefined;
    }
  }
}

/** An object that may be left out is, when nobody entered anything in it. */
function isUntouched(params: readonly Param[], values: Fields): boolean {
  return params.every(({ entry, path }) =>
    entry.kind === "group"
      ? isUntouched(entry.params, values)
      : textOf(values, fieldOf(path)) === "",
  );
}

function emptyOf({ entry, isRequired }: Param): unknown {
  if (!isRequired) return undefined;
  if (entry.kind === "text") return "";
  return entry.kind === "lines" ? [] : undefined;
}

/** JSON that a person entered, or why it is none. */
export function readJson(text: string): { readonly value: unknown } | { readonly fault: string } {
  try {
    return { value: jsonOf(new TextEncoder().encode(text)) };
  } catch (error) {
    const { errors, message } = problemOf(error);
    return { fault: errors[0]?.message ?? message.replace("The body is", "This is") };
  }
}

/** Arguments that are there as the fields of a form; secrets are left out. */
export function valuesOf(
  params: readonly Param[],
  kwargs: Readonly<Record<string, unknown>>,
): Record<string, string> {
  const values: Record<string, string> = {};
  for (const { path, entry } of params) {
    const name = path.at(-1) ?? "";
    const value = Object.hasOwn(kwargs, name) ? kwargs[name] : undefined;
    if (value === undefined || value === null) continue;
    if (entry.kind === "group") Object.assign(values, valuesOf(entry.params, objectOf(value)));
    else if (entry.kind === "lines" && Array.isArray(value)) {
      values[fieldOf(path)] = value.map(String).join("\n");
    } else if (entry.kind === "json") {
      if (!entry.hasSecret) values[fieldOf(path)] = JSON.stringify(value, null, 2);
    } else if (entry.kind !== "secret") {
      values[fieldOf(path)] = typeof value === "string" ? value : JSON.stringify(value);
    }
  }
  return values;
}

/**
 * What a form that was sent leaves out because it never showed it: the secrets of the arguments that it changes, as
 * they may be shown. A field in which something was entered is not among them.
 */
export function keptSecrets(
  params: readonly Param[],
  values: Fields,
  shown: Readonly<Record<string, unknown>>,
): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const { path, entry } of params) {
    const name = path.at(-1) ?? "";
    const value = Object.hasOwn(shown, name) ? shown[name] : undefined;
    if (value === undefined || value === null) continue;
    if (entry.kind === "group")
      Object.assign(kept, keptSecrets(entry.params, values, objectOf(value)));
    else if (textOf(values, fieldOf(path)) !== "") continue;
    else if (entry.kind === "secret") kept[fieldOf(path)] = REDACTED;
    else if (entry.kind === "json" && entry.hasSecret) kept[fieldOf(path)] = JSON.stringify(value);
  }
  return kept;
}

/** Whether a generated form can show these arguments whole, and give them back as they are. */
export function isShownWhole(
  schema: JsonSchema,
  kwargs: Readonly<Record<string, unknown>>,
): boolean {
  if (hasSecretIn(schema)) return false;
  const params = paramsOf(schema);
  const { kwargs: read, faults } = readParams(params, valuesOf(params, kwargs));
  const sorted = (value: Readonly<Record<string, unknown>>) =>
    JSON.stringify(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  return faults.length === 0 && sorted(read) === sorted(kwargs);
}

/** Browsers send the line breaks of a text area as CR LF. */
function lineBreaks(text: string): string {
  return text.replaceAll("\r\n", "\n");
}

/** The lines of a text area that have something in them. */
export function linesOf(text: string): string[] {
  return lineBreaks(text)
    .split("\n")
    .filter((line) => line.trim() !== "");
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

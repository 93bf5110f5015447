import type * as z from "zod";
import type { ParamsSchema } from "./definition.ts";
import { InvalidArgumentsError, type ArgumentIssue } from "./errors.ts";
import { mapSecrets, secretDepth } from "./secret-fields.ts";
import { isSealed, secretRemover, textsOf } from "./secrets.ts";

/** Arguments by name. @throws InvalidArgumentsError for too many, or one that is given twice */
export function bindPositional(
  name: string,
  params: readonly string[],
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  if (args.length > params.length) {
    throw new InvalidArgumentsError(name, [
      {
        path: "args",
        message: `takes ${params.length} positional arguments but ${args.length} were given`,
      },
    ]);
  }
  const bound: Record<string, unknown> = { ...kwargs };
  for (const [index, value] of args.entries()) {
    const param = params[index] ?? "";
    if (Object.hasOwn(kwargs, param)) {
      throw new InvalidArgumentsError(name, [
        { path: param, message: "given both by position and by name" },
      ]);
    }
    bound[param] = value;
  }
  return bound;
}

/** Sealed values come from storage only: whoever brings one has it from somewhere. */
export function refuseSealed(name: string, schema: z.ZodType, bound: unknown): void {
  const issues: ArgumentIssue[] = [];
  mapSecrets(schema, bound, (value, path) => {
    if (isSealed(value)) issues.push({ path: path.join("."), message: "must be given unsealed" });
    return value;
  });
  if (issues.length > 0) throw new InvalidArgumentsError(name, issues);
}

/** The secret values among arguments. */
export function secretsOf(schema: z.ZodType, plain: unknown): unknown[] {
  const secrets: unknown[] = [];
  mapSecrets(schema, plain, (value) => {
    secrets.push(value);
    return value;
  });
  return secrets;
}

/** What doesn't fit, without a secret: a message, or the path into one, may quote it. */
export function issuesOf(
  { strictParams, hasSecrets: hasAny }: { strictParams: ParamsSchema; hasSecrets: boolean },
  { issues }: z.ZodError,
  plain: unknown,
): ArgumentIssue[] {
  const clean = hasAny
    ? secretRemover(textsOf(secretsOf(strictParams, plain)))
    : (text: string) => text;
  return issues.map(({ path, code, message }) => {
    const depth = hasAny ? secretDepth(strictParams, path) : null;
    const shown = path.slice(0, depth ?? path.length);
    return {
      path: shown.length > 0 ? shown.map(String).join(".") : "kwargs",
      message: depth === null ? clean(message) : `is not valid (${code})`,
    };
  });
}

/** A parameter was looked at that is not known yet. */
export class MissingParameter extends Error {}

/**
 * The params of a call, each by itself, but one.
 * @returns an object that throws MissingParameter where that one is looked at
 */
export function paramsWithout(
  { shape }: ParamsSchema,
  plain: unknown,
  missing: string,
): Record<string, unknown> {
  const given = plain as Readonly<Record<string, unknown>>;
  const params: Record<string, unknown> = {};
  for (const [param, schema] of Object.entries(shape)) {
    if (param !== missing) params[param] = (schema as z.ZodType).parse(given[param]);
  }
  return Object.defineProperty(params, missing, {
    get: () => {
      throw new MissingParameter(missing);
    },
  });
}

import type * as z from "zod";

/** What zod 4 keeps of a schema, as far as other schemas may be in it. */
interface Definition {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly catchall?: z.ZodType;
  readonly element?: z.ZodType;
  readonly items?: readonly z.ZodType[];
  readonly rest?: z.ZodType | null;
  readonly keyType?: z.ZodType;
  readonly valueType?: z.ZodType;
  /** Of optional, nullable, default, readonly and the like. */
  readonly innerType?: z.ZodType;
  readonly getter?: () => z.ZodType;
  /** Of a pipe: what is given, and what comes out. */
  readonly in?: z.ZodType;
  readonly out?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly left?: z.ZodType;
  readonly right?: z.ZodType;
}

/** The schema of a part of a value, by its key or index; undefined: of no interest. */
type PartOf = (key: PropertyKey) => z.ZodType | undefined;

/** Keys and indexes that lead from the arguments to a secret. */
export type SecretPath = readonly string[];

/**
 * Marks a field of a task's params as secret: its value is never shown, logged or sent in events, and is
 * encrypted where it is stored when the deployment has a key (SECRETS_KEY). Marks are found inside objects,
 * lists, tuples and records, optional or not. Where a value alone doesn't tell which mark holds for it (a
 * union, an intersection, what a transform makes of it), all of that value is secret.
 */
export function secret<Schema extends z.ZodType>(schema: Schema): Schema {
  return schema.meta({ ...schema.meta(), secret: true });
}

/** Whether anything in a schema is marked. A schema may contain itself. */
export function hasSecrets(schema: z.ZodType, seen = new Set<z.ZodType>()): boolean {
  if (isMarked(schema)) return true;
  if (seen.has(schema)) return false;
  seen.add(schema);
  const def = definitionOf(schema);
  const parts = [
    ...[def.innerType, def.element, def.rest, def.keyType, def.valueType, def.catchall],
    ...[def.in, def.out, def.left, def.right, def.getter?.()],
    ...(def.items ?? []),
    ...(def.options ?? []),
    ...Object.values(def.shape ?? {}),
  ];
  return parts.some((part) => part != null && hasSecrets(part, seen));
}

/** The value with `change` applied to every secret in it, by the schema's marks. */
export function mapSecrets(
  schema: z.ZodType,
  value: unknown,
  change: (secret: unknown, path: SecretPath) => unknown,
  path: SecretPath = [],
): unknown {
  if (value === undefined) return value;
  const partOf = look(schema);
  if (partOf === "secret") return change(value, path);
  if (value === null || typeof value !== "object") return value;
  const map = (key: PropertyKey, item: unknown) => {
    const part = partOf(key);
    return part === undefined ? item : mapSecrets(part, item, change, [...path, String(key)]);
  };
  if (Array.isArray(value)) return value.map((item, index) => map(index, item));
  const entries = Object.entries(value).map(([key, item]) => [key, map(key, item)]);
  return Object.fromEntries(entries) as unknown;
}

/** How many steps of a path lead to a secret; null: it leads to none. */
export function secretDepth(schema: z.ZodType, path: readonly PropertyKey[]): number | null {
  let at: z.ZodType | undefined = schema;
  for (let depth = 0; at !== undefined; depth += 1) {
    const partOf = look(at);
    if (partOf === "secret") return depth;
    const key = path[depth];
    at = key === undefined ? undefined : partOf(key);
  }
  return null;
}

/** What a value of this schema has in it: one secret, or parts to look at. */
function look(schema: z.ZodType): "secret" | PartOf {
  if (isMarked(schema)) return "secret";
  const def = definitionOf(schema);
  const { shape = {}, items = [], keyType, getter } = def;
  switch (def.type) {
    case "object":
      // A caller may send a key that every object inherits.
      return (key) => (Object.hasOwn(shape, key) ? shape[key as string] : def.catchall);
    case "array":
      return () => def.element;
    case "tuple":
      return (key) => items[Number(key)] ?? def.rest ?? undefined;
    case "record":
      return keyType !== undefined && hasSecrets(keyType) ? "secret" : () => def.valueType;
    case "lazy":
      return getter === undefined ? nothing : look(getter());
    case "pipe":
      if (def.out !== undefined && hasSecrets(def.out)) return "secret";
      return def.in === undefined ? nothing : look(def.in);
    default:
      if (def.innerType !== undefined) return look(def.innerType);
      return hasSecrets(schema) ? "secret" : nothing;
  }
}

const nothing: PartOf = () => undefined;

function isMarked(schema: z.ZodType): boolean {
  return schema.meta()?.["secret"] === true;
}

function definitionOf(schema: z.ZodType): Definition {
  return (schema._zod as unknown as { def: Definition }).def;
}

import type { z } from "zod";
import { LovageError } from "./errors.ts";

/** What stands for a secret wherever somebody may see it. */
export const REDACTED = "[secret]";

/** A secret value as it travels and is stored: recognised by its one key, whatever task it belongs to. */
export interface SealedValue {
  readonly $secret: string;
}

/** Makes secret values unreadable where they are stored. */
export interface Sealer {
  /** @param context what it belongs to: opened with another one it is refused */
  seal(text: string, context: string): string;
  /** @throws SecretUnreadableError when the key is gone, or it was tampered with */
  open(sealed: string, context: string): string;
}

/** Keeps secrets as they are: they are still shown to nobody. */
export const PLAIN_SEALER: Sealer = {
  seal: (text) => `plain.${text}`,
  open: (sealed) => {
    if (!sealed.startsWith("plain.")) throw new SecretUnreadableError();
    return sealed.slice("plain.".length);
  },
};

/** A secret argument can't be opened: its key was taken away, or it was changed in storage. */
export class SecretUnreadableError extends LovageError {
  constructor() {
    super(
      "secret_unreadable",
      "A secret argument can't be opened with the keys of this deployment.",
    );
  }
}

/**
 * Marks a field of a task's params as secret: its value is never shown, logged or sent in events, and is
 * encrypted where it is stored when the deployment has a key (SECRETS_KEY).
 */
export function secret<Schema extends z.ZodType>(schema: Schema): Schema {
  return schema.meta({ ...schema.meta(), secret: true });
}

/** The value with `change` applied to every secret in it, by the schema's marks. */
export function mapSecrets(
  schema: z.ZodType,
  value: unknown,
  change: (secret: unknown, path: string) => unknown,
  path = "",
): unknown {
  if (value === undefined) return value;
  if (schema.meta()?.["secret"] === true) return change(value, path);
  const { def } = schema._zod as unknown as { def: Definition };
  const inner = def.innerType ?? def.in;
  if (inner !== undefined) return mapSecrets(inner, value, change, path);
  if (value === null || typeof value !== "object") return value;
  const { shape, element, valueType } = def;
  if (Array.isArray(value)) {
    if (element === undefined) return value;
    return value.map((item, index) => mapSecrets(element, item, change, `${path}.${index}`));
  }
  const entries = Object.entries(value).map(([key, item]) => {
    const type = shape?.[key] ?? valueType;
    return [key, type === undefined ? item : mapSecrets(type, item, change, `${path}.${key}`)];
  });
  return Object.fromEntries(entries) as unknown;
}

/** Whether anything in a schema is marked. */
export function hasSecrets(schema: z.ZodType): boolean {
  if (schema.meta()?.["secret"] === true) return true;
  const { def } = schema._zod as unknown as { def: Definition };
  const parts = [def.innerType, def.in, def.element, def.valueType];
  return [...parts, ...Object.values(def.shape ?? {})].some(
    (part) => part !== undefined && hasSecrets(part),
  );
}

/** What zod 4 keeps of a schema, as far as secrets may be inside: objects, lists, records, wrappers. */
interface Definition {
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  /** Of optional, nullable, default, readonly and the like. */
  readonly innerType?: z.ZodType;
  /** Of a pipe. */
  readonly in?: z.ZodType;
}

export function isSealed(value: unknown): value is SealedValue {
  return (
    value !== null &&
    typeof value === "object" &&
    Object.keys(value).length === 1 &&
    typeof (value as { $secret?: unknown }).$secret === "string"
  );
}

/** Stored arguments as they may be shown: JSON text in, value out. */
export function redacted(kwargs: string): unknown {
  return JSON.parse(kwargs, (_key, value: unknown) => (isSealed(value) ? REDACTED : value));
}

/** A text without the secrets that are in it. Short ones would turn every other letter into one. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((value) => value.length >= 4)
    .reduce((rest, value) => rest.replaceAll(value, REDACTED), text);
}

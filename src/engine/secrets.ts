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

/** Texts shorter than this are taken for a secret only where they stand alone. */
const MIN_LENGTH = 4;

/** The texts by which something may quote a secret: all that are in it, escaped or not. */
export function textsOf(value: unknown): string[] {
  if (typeof value === "string") {
    const escaped = JSON.stringify(value).slice(1, -1);
    return [value, escaped, encodeURIComponent(value.toWellFormed())];
  }
  if (typeof value === "number" || typeof value === "bigint") return [`${value}`];
  if (value === null || typeof value !== "object") return [];
  return Object.values(value).flatMap(textsOf);
}

/** Takes the texts of secrets out of other texts, at once: what it puts in is not looked at again. */
export function secretRemover(texts: readonly string[]): (text: string) => string {
  const all = [...new Set(texts)].filter((text) => text !== "");
  if (all.length === 0) return (text) => text;
  const parts = all
    // One may begin another.
    .sort((a, b) => b.length - a.length)
    .map((text) => {
      const literal = text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
      const isShort = text.length < MIN_LENGTH;
      return isShort ? String.raw`(?<![\p{L}\p{N}])${literal}(?![\p{L}\p{N}])` : literal;
    });
  const pattern = new RegExp(parts.join("|"), "gu");
  return (text) => text.replaceAll(pattern, REDACTED);
}

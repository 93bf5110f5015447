import type { FileKind } from "./tables.ts";

const MIB = 1_048_576;
const CSV = { types: ["text/csv"], maxBytes: 100 * MIB };

/** What may be uploaded as what. */
export const FILE_KINDS: Readonly<
  Record<FileKind, { readonly types: readonly string[]; readonly maxBytes: number }>
> = {
  products: CSV,
  orders: CSV,
  image: { types: ["image/png", "image/jpeg", "image/gif", "image/webp"], maxBytes: 20 * MIB },
};

/** What the files of one owner may come to. */
export const QUOTA = { bytes: 1_024 * MIB, files: 1_000 } as const;

const MAX_NAME_LENGTH = 200;

/**
 * A file's name as it may be shown: without a path, and without what a terminal or a page would take for
 * something else than text (control characters, marks that turn the direction of writing).
 */
export function displayName(given: string): string {
  const [last = ""] = given.toWellFormed().split(/[/\\]/).slice(-1);
  const text = last.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "").trim();
  const name = Array.from(text).slice(0, MAX_NAME_LENGTH).join("").trim();
  return /^\.*$/.test(name) ? "file" : name;
}

/** The header that has a browser store a file under its name and never show it (RFC 6266, RFC 8187). */
export function attachment(name: string): string {
  const ascii = name.replace(/[^ -~]|["\\%]/g, "_");
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}

import { fromBase64url, toBase64url } from "#engine";

export const JSON_CURSOR = /^[\w-]{1,4000}$/;

/** Where a page ended, as a `next_cursor` that needs no escaping. */
export function jsonCursor(place: readonly (string | number)[]): string {
  return toBase64url(new TextEncoder().encode(JSON.stringify(place)));
}

/** What `jsonCursor` was given; undefined for what it never made. */
export function fromJsonCursor(text: string): unknown {
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    return JSON.parse(decoder.decode(fromBase64url(text))) as unknown;
  } catch {
    return undefined;
  }
}

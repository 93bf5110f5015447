import { toHex } from "./bytes.ts";

/** A value JSON can carry. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** JSON with the keys of every object sorted: equal values give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** Whether a text takes more than this many bytes as UTF-8, which is what storage counts. */
export function isLargerThan(text: string, bytes: number): boolean {
  if (text.length > bytes) return true;
  // A UTF-16 unit is at most three bytes: most texts need no second look.
  return text.length * 3 > bytes && new TextEncoder().encode(text).length > bytes;
}

/**
 * HMAC-SHA256 of a value's canonical JSON, as 64 hex digits: tells whether two calls are the same call, and
 * nothing else to those who don't have the secret.
 */
export async function fingerprint(secret: CryptoKey, value: unknown): Promise<string> {
  const bytes = new TextEncoder().encode(canonicalJson(value));
  return toHex(new Uint8Array(await crypto.subtle.sign("HMAC", secret, bytes)));
}

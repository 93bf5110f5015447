import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { toBase64url } from "#engine";

const LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz";

/** 256 random bits as 43 characters. */
export function mintSecret(): string {
  return toBase64url(randomBytes(32));
}

/** What is stored of a secret: hex SHA-256. */
export function digestOf(secret: string): string {
  return createHash("sha256").update(new TextEncoder().encode(secret)).digest("hex");
}

/** Compares digests in constant time. */
export function isSameDigest(one: string, other: string): boolean {
  const encoder = new TextEncoder();
  const [a, b] = [encoder.encode(one), encoder.encode(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Small letters and digits, 5 bits each: for ids, not for secrets. */
export function randomLetters(count: number): string {
  return Array.from(randomBytes(count), (byte) => LETTERS[byte % 36]).join("");
}

/** A new account's id: nine or ten digits. */
export function randomUserId(): number {
  const [a = 0, b = 0, c = 0, d = 0] = randomBytes(4);
  return 100_000_000 + ((a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d) % 2_000_000_000);
}

/** HMAC-SHA256 of a text. */
export async function hmac(key: Promise<CryptoKey>, text: string): Promise<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  return new Uint8Array(await crypto.subtle.sign("HMAC", await key, bytes));
}

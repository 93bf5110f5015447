import { sql } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { suppressions } from "./tables.ts";

/**
 * Links that take an address off bulk mail without a sign-in (RFC 8058): the address and its HMAC, so that
 * nobody can take off another's.
 */
export class Unsubscribe {
  readonly #key: Promise<CryptoKey>;
  readonly #publicUrl: string;

  /** @param key for HMAC, for nothing else */
  constructor(key: Promise<CryptoKey>, publicUrl: string) {
    this.#key = key;
    this.#publicUrl = publicUrl;
  }

  async headersFor(address: string): Promise<Record<string, string>> {
    return {
      "List-Unsubscribe": `<${await this.linkFor(address)}>`,
      "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    };
  }

  async linkFor(address: string): Promise<string> {
    const bytes = new TextEncoder().encode(address.toLowerCase());
    const mac = new Uint8Array(await crypto.subtle.sign("HMAC", await this.#key, bytes));
    return `${this.#publicUrl}/api/mail/unsubscribe/${base64url(bytes)}.${base64url(mac)}/`;
  }

  /** The address that a token stands for; null: it is not one of ours. */
  async addressOf(token: string): Promise<string | null> {
    const [address = "", mac = ""] = token.split(".");
    try {
      const bytes = fromBase64url(address);
      const isOurs = await crypto.subtle.verify("HMAC", await this.#key, fromBase64url(mac), bytes);
      return isOurs ? new TextDecoder().decode(bytes) : null;
    } catch {
      return null;
    }
  }
}

/** The statement that takes an address off bulk mail. Safe to repeat. */
export function insertUnsubscribed(
  db: DrizzleD1Database,
  address: string,
  now: number,
): BatchItem<"sqlite"> {
  return db
    .insert(suppressions)
    .values({ address, reason: "unsubscribed", detail: null, createdAt: now })
    .onConflictDoNothing({ where: sql`true` });
}

function base64url(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

import { fromBase64url, toBase64url } from "#engine";

/** Of the longest address and its HMAC. */
const MAX_TOKEN_LENGTH = 400;

/**
 * Links that take an address off bulk mail without a sign-in (RFC 8058): the address and its HMAC, so that
 * nobody can take off another's.
 */
export class Unsubscribe {
  readonly #key: Promise<CryptoKey>;
  /** Where people reach the shop. */
  readonly publicUrl: string;

  /** @param key for HMAC, for nothing else */
  constructor(key: Promise<CryptoKey>, publicUrl: string) {
    this.#key = key;
    this.publicUrl = publicUrl;
  }

  /** What bulk mail carries for mail programs (RFC 8058). */
  headersFor(link: string): Record<string, string> {
    return {
      "List-Unsubscribe": `<${link}>`,
      "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    };
  }

  async linkFor(address: string): Promise<string> {
    const bytes = new TextEncoder().encode(address.toLowerCase());
    const mac = new Uint8Array(await crypto.subtle.sign("HMAC", await this.#key, bytes));
    return `${this.publicUrl}/api/mail/unsubscribe/${toBase64url(bytes)}.${toBase64url(mac)}/`;
  }

  /** The address that a token stands for; null: it is not one of ours. */
  async addressOf(token: string): Promise<string | null> {
    const [address = "", mac = "", ...rest] = token.split(".");
    if (rest.length > 0 || token.length > MAX_TOKEN_LENGTH) return null;
    try {
      const bytes = fromBase64url(address);
      const isOurs = await crypto.subtle.verify("HMAC", await this.#key, fromBase64url(mac), bytes);
      return isOurs ? new TextDecoder().decode(bytes) : null;
    } catch {
      return null;
    }
  }
}

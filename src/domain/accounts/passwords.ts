import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { fromBase64, toBase64 } from "#engine";
import { hmac } from "./secrets.ts";

/** Costs of scrypt: N = 2^ln, block size r, parallelism p. */
export interface ScryptCosts {
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

/** Derives a key of 32 bytes, slowly. */
export type Kdf = (input: Uint8Array, salt: Uint8Array, costs: ScryptCosts) => Promise<Uint8Array>;

/** One of OWASP's equivalent sets: 16 MiB and about 115 ms in a Worker. */
export const COSTS: ScryptCosts = { ln: 14, r: 8, p: 5 };

/** An account without a password: no password fits. */
export const NO_PASSWORD = "!";

const SALT_BYTES = 16;
const KEY_BYTES = 32;
const PHC =
  /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$/;

/** `right-outdated`: stored with other costs than those of today. */
export type Verdict = "right" | "right-outdated" | "wrong";

/** scrypt as Node and workerd have it. */
export const scryptKdf: Kdf = (input, salt, { ln, r, p }) =>
  new Promise((resolve, reject) => {
    const N = 2 ** ln;
    // The default is exactly what N and r alone take.
    const maxmem = 256 * N * r;
    scrypt(input, salt, KEY_BYTES, { N, r, p, maxmem }, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });

/**
 * Passwords as they are kept: PHC strings of scrypt over the HMAC of the password, whose key (the pepper)
 * is not in the database.
 */
export class Passwords {
  readonly #pepper: Promise<CryptoKey>;
  readonly #kdf: Kdf;
  readonly #costs: ScryptCosts;

  constructor(pepper: Promise<CryptoKey>, kdf: Kdf = scryptKdf, costs: ScryptCosts = COSTS) {
    this.#pepper = pepper;
    this.#kdf = kdf;
    this.#costs = costs;
  }

  async hash(password: string): Promise<string> {
    const salt = Uint8Array.from(randomBytes(SALT_BYTES));
    const key = await this.#kdf(await hmac(this.#pepper, password), salt, this.#costs);
    const { ln, r, p } = this.#costs;
    return `$scrypt$ln=${ln},r=${r},p=${p}$${unpadded(salt)}$${unpadded(key)}`;
  }

  /** Takes as long without a hash (no such account) as with one. */
  async verify(password: string, stored: string | null): Promise<Verdict> {
    const [, ln = "", r = "", p = "", salt = "", key = ""] = PHC.exec(stored ?? "") ?? [];
    const isHash = key !== "";
    const costs = isHash ? { ln: Number(ln), r: Number(r), p: Number(p) } : this.#costs;
    const given = await this.#kdf(
      await hmac(this.#pepper, password),
      isHash ? fromBase64(salt) : new Uint8Array(SALT_BYTES),
      costs,
    );
    const wanted = isHash ? fromBase64(key) : new Uint8Array(KEY_BYTES);
    if (!timingSafeEqual(given, wanted) || !isHash) return "wrong";
    const isCurrent = (["ln", "r", "p"] as const).every(
      (name) => costs[name] === this.#costs[name],
    );
    return isCurrent ? "right" : "right-outdated";
  }
}

function unpadded(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll("=", "");
}

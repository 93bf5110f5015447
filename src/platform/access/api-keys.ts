import { toHex } from "#engine";

/** An API key as it is shown, once: `lv_<id>_<secret>`, the secret 256 random bits. */
const TOKEN = /^lv_([0-9a-z]{12})_([0-9a-zA-Z_-]{43})$/;

interface KeyRow {
  owner: string;
  secret_hash: string;
  scopes: string;
  expires_at: number | null;
  revoked_at: number | null;
}

/** The API keys in D1. */
export class ApiKeys {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** Whose key it is and what it may do; null for one that is unknown, expired or revoked. */
  async authenticate(
    token: string,
    now: number,
  ): Promise<{ owner: string; scopes: ReadonlySet<string>; userId: null } | null> {
    const [, id, secret] = TOKEN.exec(token) ?? [];
    if (id === undefined || secret === undefined) return null;
    const row = await this.#db
      .prepare(
        "SELECT owner, secret_hash, scopes, expires_at, revoked_at FROM api_keys WHERE id = ?",
      )
      .bind(id)
      .first<KeyRow>();
    const isRight = await matches(secret, row?.secret_hash ?? "");
    if (row === null || !isRight || row.revoked_at !== null) return null;
    if (row.expires_at !== null && row.expires_at <= now) return null;
    return { owner: row.owner, scopes: new Set(JSON.parse(row.scopes) as string[]), userId: null };
  }
}

/** Compares digests, of equal length, in constant time. */
async function matches(secret: string, hexHash: string): Promise<boolean> {
  const encoder = new TextEncoder();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(secret)));
  return crypto.subtle.timingSafeEqual(
    encoder.encode(toHex(digest)),
    encoder.encode(hexHash.padEnd(64, "-")),
  );
}

interface KeyRow {
  id: string;
  name: string;
  owner: string;
  scopes: string;
  created_at: number;
  expires_at: number | null;
  revoked_at: number | null;
}

/** The API keys in D1, for admins to look at: what they are checked by is not read. */
export class ApiKeyList {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** By id, from behind `after` on. */
  async page(after: string, limit: number) {
    const { results } = await this.#db
      .prepare(
        `SELECT id, name, owner, scopes, created_at, expires_at, revoked_at FROM api_keys
         WHERE id > ? ORDER BY id LIMIT ?`,
      )
      .bind(after, limit)
      .all<KeyRow>();
    return results.map(({ id, name, owner, ...row }) => ({
      id,
      name,
      owner,
      scopes: JSON.parse(row.scopes) as string[],
      createdAt: row.created_at,
      expiresAt: row.expires_at,
      revokedAt: row.revoked_at,
    }));
  }
}

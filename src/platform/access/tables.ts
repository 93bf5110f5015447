import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * API keys. Written by the operator's `npm run keys`; read by every request with a credential; deleted by
 * nobody (revoked instead). Times are epoch ms. WITHOUT ROWID.
 */
export const apiKeys = sqliteTable("api_keys", {
  id: text().primaryKey(),
  name: text().notNull(),
  /** Whose tasks and orders the key sees. */
  owner: text().notNull(),
  /** Hex SHA-256 of the secret: 256 random bits need no slow hash. */
  secretHash: text("secret_hash").notNull(),
  /** JSON array of scopes. */
  scopes: text().notNull(),
  createdAt: integer("created_at").notNull(),
  /** Null: does not expire. */
  expiresAt: integer("expires_at"),
  /** Null: in force. */
  revokedAt: integer("revoked_at"),
});

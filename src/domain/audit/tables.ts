import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** How somebody proved who they are; `open`: they did not, where access is open. */
export const PROOFS = ["key", "session", "open"] as const;
export type Proof = (typeof PROOFS)[number];

/**
 * What operators did. Written by every such request, before it does anything (one row) and when it is answered
 * (the row again); read by admins; deleted by `cleanup_old_records` after AUDIT_DAYS. WITHOUT ROWID; the key is
 * the order in time, which every reader and the cleanup go by.
 */
export const auditLog = sqliteTable(
  "audit_log",
  {
    /** Epoch ms. */
    at: integer().notNull(),
    /** Random: several may come at once. */
    id: text().notNull(),
    /** Whose key it was, or `user:<id>`. */
    actor: text().notNull(),
    /** The account; null: a key, or nobody. */
    userId: integer("user_id"),
    how: text().$type<Proof>().notNull(),
    /** Method and path of the route: `POST /api/tasks/:id/revoke`. */
    action: text().notNull(),
    /** JSON object: what the path named. */
    target: text().notNull(),
    /** JSON: what was asked for, without what may be secret; null: nothing besides the path. 2 KiB at most. */
    detail: text(),
    /** Of the answer; null: it never got so far, and nobody knows how far it got. */
    status: integer(),
    /** HMAC of the network address, hex: tells addresses apart and names none. Null: it is not known. */
    address: text(),
    /** Cloudflare's name for the request (`CF-Ray`); null: it had none. */
    requestId: text("request_id"),
  },
  (table) => [primaryKey({ columns: [table.at, table.id] })],
);

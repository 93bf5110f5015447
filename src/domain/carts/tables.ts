import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { CartLine } from "./cart-lines.ts";

/**
 * What people are about to order: one cart per owner and user. Written by requests and by the check-out,
 * which empties it; read by them; deleted when nobody touched it for a while. WITHOUT ROWID. The index is for
 * that.
 */
export const carts = sqliteTable(
  "carts",
  {
    /** The caller it belongs to. */
    owner: text().notNull(),
    /** Whose it is among the owner's; a person's own id. */
    userId: integer("user_id").notNull(),
    /** JSON array of lines, in the order in which they came in. */
    lines: text({ mode: "json" }).$type<readonly CartLine[]>().notNull(),
    /** Epoch ms; rises with every change, so it is the cart's version too. */
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.owner, table.userId] }),
    index("carts_updated").on(table.updatedAt),
  ],
);

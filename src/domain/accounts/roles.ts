import { and, eq, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { users, type Role } from "./tables.ts";

/**
 * Gives an account a role; what it may do changes with its next request. Of two admins who demote each
 * other at the same time one stays.
 */
export async function setRole(
  db: DrizzleD1Database,
  userId: number,
  role: Role,
): Promise<"set" | "unknown" | "last_admin"> {
  const isNotLast = sql`(role <> 'admin' OR ${role} = 'admin'
    OR (SELECT count(*) FROM users WHERE role = 'admin') > 1)`;
  const changed = await db
    .update(users)
    .set({ role })
    .where(and(eq(users.id, userId), isNotLast))
    .returning({ id: users.id });
  if (changed.length > 0) return "set";
  const [user] = await db.select({ id: users.id }).from(users).where(eq(users.id, userId));
  return user === undefined ? "unknown" : "last_admin";
}

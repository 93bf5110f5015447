import { sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { DeclaredSchedule } from "#engine";
import type { AnyMail } from "../mail/index.ts";
import { users } from "./tables.ts";

/** A person as others may know them: never the password's hash. */
export type User = Omit<typeof users.$inferSelect, "passwordHash">;

export const accountTasks = [] as const;
export const accountMails: readonly AnyMail[] = [];
export const accountSchedules = (_timezone: string): readonly DeclaredSchedule[] => [];

const { passwordHash: _hidden, ...PUBLIC } = {
  id: users.id,
  username: users.username,
  email: users.email,
  firstName: users.firstName,
  lastName: users.lastName,
  passwordHash: users.passwordHash,
  role: users.role,
  locale: users.locale,
  createdAt: users.createdAt,
};

/** Those of the people that exist, by id, in one query. */
export async function findUsers(
  db: DrizzleD1Database,
  ids: readonly number[],
): Promise<Map<number, User>> {
  const found = await db
    .select(PUBLIC)
    .from(users)
    .where(sql`id IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`);
  return new Map(found.map((user) => [user.id, user]));
}

/** The newest account's id: ids are counted up. 0: there is none. */
export async function lastUserId(db: DrizzleD1Database): Promise<number> {
  const [last] = await db.select({ id: sql<number | null>`max(id)` }).from(users);
  return last?.id ?? 0;
}

/** Every admin. */
export function listAdmins(db: DrizzleD1Database): Promise<User[]> {
  return db
    .select(PUBLIC)
    .from(users)
    .where(sql`role = 'admin'`);
}

import { count, eq, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { users, type Role } from "./tables.ts";

/** An account as it is stored; see tables.ts. */
export type Account = typeof users.$inferSelect;

/** A person as others may know them: never the password's hash. */
export type User = Omit<Account, "passwordHash">;

/** A task names an account that there is not: no retry will find it. */
export class UserNotFoundError extends Error {
  override readonly name = "UserNotFoundError";

  constructor(userId: number) {
    super(`There is no user ${userId}.`);
  }
}

const PUBLIC = {
  id: users.id,
  username: users.username,
  email: users.email,
  firstName: users.firstName,
  lastName: users.lastName,
  role: users.role,
  locale: users.locale,
  createdAt: users.createdAt,
  ownsEmail: users.ownsEmail,
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

/** Those of the people that exist and can be written to: an address that is another's account's is not theirs. */
export async function findReachable(
  db: DrizzleD1Database,
  ids: readonly number[],
): Promise<Map<number, User>> {
  const found = await findUsers(db, ids);
  return new Map([...found].filter(([, { ownsEmail }]) => ownsEmail));
}

/**
 * Divides the people into parts of `size`, by their ids; those whose address is another's are in none.
 * @returns the first id of each part
 */
export async function usersInParts(
  db: DrizzleD1Database,
  role: Role | null,
  size: (count: number) => number,
): Promise<number[]> {
  const wanted = sql`owns_email = 1 AND ${role === null ? sql`1` : sql`role = ${role}`}`;
  const [all] = await db.select({ count: count() }).from(users).where(wanted);
  const found = await db.all<{ id: number }>(sql`
    SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM users WHERE ${wanted})
    WHERE place % ${size(all?.count ?? 0)} = 0 ORDER BY id`);
  return found.map(({ id }) => id);
}

/**
 * The people of one part, as it was then.
 * @param part `until`: the first id of the next part; null: it is the last. `createdUntil`: epoch ms
 */
export function usersBetween(
  db: DrizzleD1Database,
  part: { from: number; until: number | null; role: Role | null; createdUntil: number },
): Promise<User[]> {
  const { from, until, role, createdUntil } = part;
  const conditions = [
    sql`owns_email = 1 AND id >= ${from} AND created_at <= ${createdUntil}`,
    ...(until === null ? [] : [sql`id < ${until}`]),
    ...(role === null ? [] : [sql`role = ${role}`]),
  ];
  return db
    .select(PUBLIC)
    .from(users)
    .where(sql.join(conditions, sql` AND `));
}

/** Every admin whose address is their own. */
export function listAdmins(db: DrizzleD1Database): Promise<User[]> {
  return db
    .select(PUBLIC)
    .from(users)
    .where(sql`role = 'admin' AND owns_email = 1`);
}

/** A page of all people by id, or those that a filter names. */
export function listUsers(
  db: DrizzleD1Database,
  filter: {
    readonly after: number;
    readonly limit: number;
    readonly username: string | undefined;
    readonly role: Role | undefined;
  },
): Promise<User[]> {
  const { after, limit, username, role } = filter;
  const conditions = [
    sql`id > ${after}`,
    ...(username === undefined ? [] : [sql`lower(username) = lower(${username})`]),
    ...(role === undefined ? [] : [sql`role = ${role}`]),
  ];
  return db
    .select(PUBLIC)
    .from(users)
    .where(sql.join(conditions, sql` AND `))
    .orderBy(users.id)
    .limit(limit);
}

/** With the password's hash: for this area alone. */
export async function findAccount(
  db: DrizzleD1Database,
  by: { readonly id: number } | { readonly username: string },
): Promise<Account | null> {
  const condition = "id" in by ? eq(users.id, by.id) : sql`lower(username) = lower(${by.username})`;
  const [account] = await db.select().from(users).where(condition);
  return account ?? null;
}

import { and, desc, eq, gt, ne, sql } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { digestOf, isSameDigest, mintSecret, randomLetters } from "./secrets.ts";
import { sessions, users, type Role } from "./tables.ts";

/** An account's token as it is shown, once: `lvu_<id>_<secret>`, the secret 256 random bits. */
const TOKEN = /^lvu_([0-9a-z]{18})_([0-9a-zA-Z_-]{43})$/;

const SESSION_MS = 30 * 86_400_000;
/** What may see or steer the deployment is over sooner. */
const STAFF_SESSION_MS = 12 * 3_600_000;
/** What was opened for the dashboard is over when nobody used it for so long. */
const IDLE_MS = 30 * 60_000;
/** A use is noted when the last note is so old: an idle session is over by that much too soon, never too late. */
const NOTED_EVERY_MS = 3 * 60_000;
/** Of one account; one more ends the oldest. */
const MAX_SESSIONS = 20;
const MINUTE_MS = 60_000;

/** A token that was just made. Its secret is nowhere else. */
export interface NewSession {
  readonly id: string;
  readonly token: string;
  readonly secretHash: string;
  readonly createdAt: number;
  /** Epoch ms. */
  readonly expiresAt: number;
  readonly userAgent: string;
  /** Null: not for the dashboard. */
  readonly seenAt: number | null;
}

/** What a session is opened for: a program that keeps its token, or a browser's visit to the dashboard. */
export type Purpose = "api" | "dashboard";

export type Session = Omit<typeof sessions.$inferSelect, "secretHash">;

/** What the ids of sessions that end in this minute begin with. */
export function sessionIdPrefix(at: number): string {
  return Math.floor(at / MINUTE_MS)
    .toString(36)
    .padStart(8, "0");
}

export function mintSession(now: number, userAgent: string, purpose: Purpose = "api"): NewSession {
  const isForStaff = purpose === "dashboard";
  const expiresAt = now + (isForStaff ? STAFF_SESSION_MS : SESSION_MS);
  const id = sessionIdPrefix(expiresAt) + randomLetters(10);
  const secret = mintSecret();
  return {
    id,
    token: `lvu_${id}_${secret}`,
    secretHash: digestOf(secret),
    createdAt: now,
    expiresAt,
    userAgent: userAgent.slice(0, 200),
    seenAt: isForStaff ? now : null,
  };
}

/**
 * The statement that signs an account in, as long as its password is the one that was looked at: whoever
 * logs in with a password while it is replaced gets no session. Returns the row, or none. Rows written: 2.
 */
export function openSession(
  db: DrizzleD1Database,
  { id, secretHash, createdAt, expiresAt, userAgent, seenAt }: NewSession,
  user: { readonly id: number; readonly passwordHash: string },
) {
  return db
    .insert(sessions)
    .select(
      sql`SELECT ${id}, id, ${secretHash}, ${createdAt}, ${expiresAt}, ${userAgent},
          ${seenAt} FROM users WHERE id = ${user.id} AND password_hash = ${user.passwordHash}`,
    )
    .returning({ id: sessions.id });
}

/** The statement that ends an account's oldest sessions, if there are too many; never the newest, `id`. */
export function trimSessions(
  db: DrizzleD1Database,
  userId: number,
  { id }: NewSession,
): BatchItem<"sqlite"> {
  const kept = sql`(SELECT id FROM sessions WHERE user_id = ${userId}
    ORDER BY id = ${id} DESC, created_at DESC LIMIT ${MAX_SESSIONS})`;
  return db.delete(sessions).where(and(eq(sessions.userId, userId), sql`id NOT IN ${kept}`));
}

/**
 * Whose token it is; null for one that is unknown, over or revoked. Rows written: 1 where a use is to be noted,
 * none otherwise.
 * @param isUse false: what a page asks for by itself, which keeps no session alive
 */
export async function authenticate(
  db: DrizzleD1Database,
  token: string,
  now: number,
  isUse = true,
): Promise<{ userId: number; role: Role } | null> {
  const [, id, secret] = TOKEN.exec(token) ?? [];
  if (id === undefined || secret === undefined) return null;
  const [row] = await db
    .select({
      userId: sessions.userId,
      secretHash: sessions.secretHash,
      createdAt: sessions.createdAt,
      expiresAt: sessions.expiresAt,
      seenAt: sessions.seenAt,
      role: users.role,
    })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .where(eq(sessions.id, id));
  const isRight = isSameDigest(digestOf(secret), row?.secretHash ?? "");
  if (row === undefined || !isRight || endOf(row) <= now) return null;
  if (isUse && row.seenAt !== null && row.seenAt + NOTED_EVERY_MS <= now) {
    // Of several at once one notes it.
    const isStill = and(eq(sessions.id, id), eq(sessions.seenAt, row.seenAt));
    await db.update(sessions).set({ seenAt: now }).where(isStill);
  }
  return { userId: row.userId, role: row.role };
}

/** The id in a token; null: it is no account's. */
export function sessionIdOf(token: string): string | null {
  return TOKEN.exec(token)?.[1] ?? null;
}

/** The account's sessions that are not over, the newest first. */
export async function listSessions(
  db: DrizzleD1Database,
  userId: number,
  now: number,
): Promise<Session[]> {
  const rows = await db
    .select({
      id: sessions.id,
      userId: sessions.userId,
      createdAt: sessions.createdAt,
      expiresAt: sessions.expiresAt,
      userAgent: sessions.userAgent,
      seenAt: sessions.seenAt,
      role: users.role,
    })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .where(and(eq(sessions.userId, userId), gt(sessions.expiresAt, now)))
    .orderBy(desc(sessions.id));
  return rows
    .map(({ role, ...row }) => ({ ...row, expiresAt: endOf({ ...row, role }) }))
    .filter(({ expiresAt }) => expiresAt > now);
}

/** Ends one of the account's sessions; false: it has none of this id. */
export async function revokeSession(
  db: DrizzleD1Database,
  userId: number,
  id: string,
): Promise<boolean> {
  const gone = await db
    .delete(sessions)
    .where(and(eq(sessions.id, id), eq(sessions.userId, userId)))
    .returning({ id: sessions.id });
  return gone.length > 0;
}

/** The statement that ends all sessions of an account, but for one. */
export function revokeSessions(db: DrizzleD1Database, userId: number, but: string | null = null) {
  const all = eq(sessions.userId, userId);
  return db
    .delete(sessions)
    .where(but === null ? all : and(all, ne(sessions.id, but)))
    .returning({ id: sessions.id });
}

/** When a session of an account with this role is over, if it isn't used any more; epoch ms. */
export function endOf(session: {
  createdAt: number;
  expiresAt: number;
  seenAt: number | null;
  role: Role;
}): number {
  const { createdAt, expiresAt, seenAt, role } = session;
  return Math.min(
    expiresAt,
    role === "user" ? Infinity : createdAt + STAFF_SESSION_MS,
    seenAt === null ? Infinity : seenAt + IDLE_MS,
  );
}

import { and, eq, gt, isNull, ne, sql } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { toBase64url } from "#engine";
import { digestOf, hmac, isSameDigest } from "./secrets.ts";
import { passwordResets, users } from "./tables.ts";

/** A link is over after so long. */
export const LINK_MS = 30 * 60_000;

/** A token as it stands in the link: `lvr_<user id>_<secret>`, the secret 256 bits. */
export function resetToken(userId: number, secret: string): string {
  return `lvr_${userId}_${secret}`;
}

const TOKEN = /^lvr_(\d{1,10})_([0-9a-zA-Z_-]{43})$/;

/** A link that sets a password: who may use it, and what it is known by. */
export interface ResetLink {
  readonly userId: number;
  readonly secretHash: string;
}

/**
 * Opens the link of a task and makes all older ones of the account void. Its secret is an HMAC of the
 * task's id, so that every run of the task mails the same one. It is for the address that the account has
 * yet: whose it was before gets none. Rows written: 2, and those that were open.
 * @param email where it is mailed to
 * @returns the token; null when this task's link was used already, or a newer one or a new address made it void
 */
export async function openLink(
  db: DrizzleD1Database,
  {
    userId,
    taskId,
    email,
    key,
  }: { userId: number; taskId: string; email: string; key: Promise<CryptoKey> },
  now: number,
): Promise<string | null> {
  const secret = toBase64url(await hmac(key, `${userId}:${taskId}`));
  const expiresAt = now + LINK_MS;
  const isOpen = sql`EXISTS (SELECT 1 FROM password_resets AS ours
    WHERE ours.user_id = ${userId} AND ours.task_id = ${taskId} AND ours.closed_at IS NULL)`;
  const [opened] = await db.batch([
    db
      .insert(passwordResets)
      .select(
        sql`SELECT id, ${taskId}, ${digestOf(secret)}, ${expiresAt}, NULL FROM ${users}
          WHERE id = ${userId} AND email = ${email} AND owns_email = 1`,
      )
      .onConflictDoUpdate({
        target: [passwordResets.userId, passwordResets.taskId],
        set: { expiresAt },
        setWhere: sql`password_resets.closed_at IS NULL`,
      })
      .returning({ taskId: passwordResets.taskId }),
    db
      .update(passwordResets)
      .set({ closedAt: now })
      .where(
        and(
          eq(passwordResets.userId, userId),
          ne(passwordResets.taskId, taskId),
          isNull(passwordResets.closedAt),
          isOpen,
        ),
      ),
  ]);
  return opened.length === 0 ? null : resetToken(userId, secret);
}

/** The link that a token opens now; null: there is none, it was used, or it is over. */
export async function findLink(
  db: DrizzleD1Database,
  token: string,
  now: number,
): Promise<ResetLink | null> {
  const [, id, secret] = TOKEN.exec(token) ?? [];
  if (id === undefined || secret === undefined) return null;
  const userId = Number(id);
  const open = await db
    .select({ secretHash: passwordResets.secretHash })
    .from(passwordResets)
    .where(
      and(
        eq(passwordResets.userId, userId),
        isNull(passwordResets.closedAt),
        gt(passwordResets.expiresAt, now),
      ),
    );
  const secretHash = digestOf(secret);
  const isThere = open.some((row) => isSameDigest(row.secretHash, secretHash));
  return isThere ? { userId, secretHash } : null;
}

/** The statement that makes all links of an account void. Rows written: those that were open. */
export function closeResets(
  db: DrizzleD1Database,
  userId: number,
  now: number,
): BatchItem<"sqlite"> {
  return db
    .update(passwordResets)
    .set({ closedAt: now })
    .where(and(eq(passwordResets.userId, userId), isNull(passwordResets.closedAt)));
}

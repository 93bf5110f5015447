import { eq, sql } from "drizzle-orm";
import { failUnless } from "../services/index.ts";
import { findAccount, type User } from "./find-users.ts";
import { emailChanged, noticeOf, passwordChanged } from "./notices.ts";
import { contextOf, passwordsOf, type AccountParts, type Refusal } from "./parts.ts";
import { passwordFault } from "./password-rules.ts";
import { closeResets } from "./reset-links.ts";
import { isFree } from "./registration.ts";
import { revokeSessions } from "./sessions.ts";
import { confirmPassword } from "./sign-in.ts";
import { users } from "./tables.ts";

/** What people may change of themselves. Absent: stays. */
export type ProfileChange = Partial<Pick<User, "firstName" | "lastName" | "locale">>;

export async function changeProfile(
  { db }: Pick<AccountParts, "db">,
  userId: number,
  change: ProfileChange,
): Promise<void> {
  if (Object.keys(change).length === 0) return;
  await db.update(users).set(change).where(eq(users.id, userId));
}

/**
 * Gives an account another address. Needs the password: whoever has the address can reset that. As at the
 * registration, an address that another account has is no hindrance and is not told.
 */
export async function changeEmail(
  parts: AccountParts,
  userId: number,
  { email, password, address }: { email: string; password: string; address: string },
): Promise<{ readonly kind: "changed" } | Refusal> {
  const { db, mail, clock, background } = parts;
  const known = await confirmPassword(parts, userId, password, address);
  if (known.kind !== "known") return known;
  const { user } = known;
  if (user.email === email) return { kind: "changed" };
  const now = clock.now();
  const notices = noticeOf(emailChanged, user, { ...parts, key: `email_changed:${userId}:${now}` });
  try {
    await db.batch([
      failUnless(db, isStill(userId, user.passwordHash)),
      db
        .update(users)
        .set({ email, ownsEmail: isFree(email, userId) })
        .where(eq(users.id, userId)),
      closeResets(db, userId, now),
      ...(await mail.queue(notices)),
    ]);
  } catch (error) {
    const stored = await findAccount(db, { id: userId });
    if (stored?.passwordHash !== user.passwordHash) return { kind: "wrong" };
    // The answer got lost after the commit.
    if (stored.email !== email) throw error;
  }
  background(mail.send(notices).then(() => undefined));
  return { kind: "changed" };
}

/**
 * Sets a new password for somebody who knows the old one, and ends all sessions but `session`, in one
 * batch with the notice.
 */
export async function changePassword(
  parts: AccountParts,
  userId: number,
  input: { oldPassword: string; newPassword: string; session: string | null; address: string },
): Promise<{ readonly kind: "changed" } | Refusal> {
  const { db, mail, clock, background } = parts;
  const known = await confirmPassword(parts, userId, input.oldPassword, input.address);
  if (known.kind !== "known") return known;
  const { user } = known;
  const fault = passwordFault(input.newPassword, contextOf(user));
  if (fault !== null) return { kind: "weak", fault };
  const passwordHash = await passwordsOf(parts).hash(input.newPassword);
  const now = clock.now();
  const key = `password_changed:${userId}:${now}`;
  const notices = noticeOf(passwordChanged, user, { ...parts, key });
  try {
    await db.batch([
      failUnless(db, isStill(userId, user.passwordHash)),
      db.update(users).set({ passwordHash }).where(eq(users.id, userId)),
      revokeSessions(db, userId, input.session),
      closeResets(db, userId, now),
      ...(await mail.queue(notices)),
    ]);
  } catch (error) {
    const stored = await findAccount(db, { id: userId });
    // Replaced by somebody else in the meantime: the old one is not the password any more.
    if (stored?.passwordHash === user.passwordHash) throw error;
    if (stored?.passwordHash !== passwordHash) return { kind: "wrong" };
  }
  background(mail.send(notices).then(() => undefined));
  return { kind: "changed" };
}

/** The condition that this is the password. */
function isStill(userId: number, passwordHash: string) {
  return sql`EXISTS (SELECT 1 FROM users WHERE id = ${userId} AND password_hash = ${passwordHash})`;
}

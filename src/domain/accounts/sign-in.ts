import { and, eq } from "drizzle-orm";
import { findAccount, type Account } from "./find-users.ts";
import { passwordsOf, type AccountParts, type Origin, type Refusal } from "./parts.ts";
import {
  mintSession,
  openSession,
  trimSessions,
  type NewSession,
  type Purpose,
} from "./sessions.ts";
import { users } from "./tables.ts";
import { countTry, giveBack } from "./tries.ts";

export type LoginAnswer =
  | { readonly kind: "in"; readonly user: Account; readonly session: NewSession }
  | Refusal;

/** All is right, but the dashboard is not for accounts of this role. No session was opened. */
type NoStaff = { readonly kind: "no_staff" };

type Credentials = { readonly username: string; readonly password: string };

/**
 * Signs a person in. A name that nobody has takes as long, and ends, as a wrong password does; tries are
 * counted for it as for any other. A hash of other costs than today's is made anew.
 */
export function login(
  parts: AccountParts,
  credentials: Credentials,
  origin: Origin,
): Promise<LoginAnswer>;
export function login(
  parts: AccountParts,
  credentials: Credentials,
  origin: Origin,
  purpose: Purpose,
): Promise<LoginAnswer | NoStaff>;
export async function login(
  parts: AccountParts,
  { username, password }: Credentials,
  { address, userAgent }: Origin,
  purpose: Purpose = "api",
): Promise<LoginAnswer | NoStaff> {
  const { db, clock } = parts;
  const counted = await countTry(parts, { trial: "login", account: username, address });
  if ("retryAfterSeconds" in counted) return { kind: "wait", ...counted };
  const passwords = passwordsOf(parts);
  const user = await findAccount(db, { username });
  const verdict = await passwords.verify(password, user?.passwordHash ?? null);
  if (user === null || verdict === "wrong") return { kind: "wrong" };
  if (purpose === "dashboard" && user.role === "user") {
    await db.batch(giveBack(db, counted));
    return { kind: "no_staff" };
  }
  const session = mintSession(clock.now(), userAgent, purpose);
  const [opened] = await db.batch([
    openSession(db, session, user),
    trimSessions(db, user.id, session),
    ...giveBack(db, counted),
  ]);
  // The password was replaced while it was looked at.
  if (opened.length === 0) return { kind: "wrong" };
  if (verdict === "right-outdated") {
    const passwordHash = await passwords.hash(password);
    await db
      .update(users)
      .set({ passwordHash })
      .where(and(eq(users.id, user.id), eq(users.passwordHash, user.passwordHash)));
  }
  return { kind: "in", user, session };
}

/**
 * Makes sure that somebody who is signed in knows the password, too, for a change that is told by mail.
 * Counted as a login, so that a stolen token is no way to guess it.
 * @returns the account as it is stored
 */
export async function confirmPassword(
  parts: AccountParts,
  userId: number,
  password: string,
  address: string,
): Promise<{ readonly kind: "known"; readonly user: Account } | Refusal> {
  const user = await findAccount(parts.db, { id: userId });
  if (user === null) return { kind: "wrong" };
  const counted = await countTry(parts, { trial: "login", account: user.username, address });
  if ("retryAfterSeconds" in counted) return { kind: "wait", ...counted };
  const verdict = await passwordsOf(parts).verify(password, user.passwordHash);
  if (verdict === "wrong") return { kind: "wrong" };
  await parts.db.batch(giveBack(parts.db, counted));
  return (await countWish(parts, "mailing", userId)) ?? { kind: "known", user };
}

/**
 * Counts something that is done at the wish of a person who is signed in. `mailing`: whose address somebody gave
 * as their own gets no flood of mails. `paying`: an order is paid by another card. Rows written: 1.
 * @returns null: go on
 */
export async function countWish(
  parts: Pick<AccountParts, "db" | "clock" | "keyFor">,
  trial: "mailing" | "paying",
  userId: number,
): Promise<Extract<Refusal, { kind: "wait" }> | null> {
  const counted = await countTry(parts, { trial, account: String(userId), address: "" });
  return "retryAfterSeconds" in counted ? { kind: "wait", ...counted } : null;
}

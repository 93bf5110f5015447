import { sql } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { Locale } from "../mail/index.ts";
import { findAccount, type Account } from "./find-users.ts";
import { contextOf, passwordsOf, type AccountParts, type Origin, type Refusal } from "./parts.ts";
import { passwordFault } from "./password-rules.ts";
import { randomUserId } from "./secrets.ts";
import { mintSession, openSession, type NewSession } from "./sessions.ts";
import { users } from "./tables.ts";
import { countTry } from "./tries.ts";
import { sendWelcomeEmail } from "./welcome.ts";

/** An account as a person asks for it. */
export interface NewAccount {
  readonly username: string;
  readonly email: string;
  readonly password: string;
  readonly firstName: string;
  readonly lastName: string;
  /** Null: the deployment's. */
  readonly locale: Locale | null;
}

export type RegistrationAnswer =
  | { readonly kind: "registered"; readonly user: Account; readonly session: NewSession }
  /** User names are no secret; whether an address is known is one. */
  | { readonly kind: "username_taken" }
  | Refusal;

/** Random ids that are taken already, in a row, before it is given up: this does not happen. */
const MAX_IDS = 5;

/**
 * Makes an account, signs it in and sets off its welcome mail, in one batch. An address that another
 * account has is no hindrance, and nothing here depends on it, neither what is done nor how long it takes:
 * the account works like any other, and the mail tells the address' owner.
 */
export async function register(
  parts: AccountParts,
  input: NewAccount,
  { address, userAgent }: Origin,
): Promise<RegistrationAnswer> {
  const { db, clock, lovage, outbox, background } = parts;
  const fault = passwordFault(input.password, contextOf(input));
  if (fault !== null) return { kind: "weak", fault };
  const counted = await countTry(parts, { trial: "register", account: "", address });
  if ("retryAfterSeconds" in counted) return { kind: "wait", ...counted };
  if ((await findAccount(db, input)) !== null) return { kind: "username_taken" };
  const { password, ...content } = input;
  const passwordHash = await passwordsOf(parts).hash(password);
  const session = mintSession(clock.now(), userAgent);
  for (let ids = 0; ; ids += 1) {
    const now = clock.now();
    const id = randomUserId();
    const user = { id, ...content, passwordHash, role: "user" as const, createdAt: now };
    const tasks = await lovage.prepareRepeatable([sendWelcomeEmail.s({ user_id: id })]);
    try {
      await db.batch([insertUser(db, user), openSession(db, session, user), outbox.insert(tasks)]);
    } catch (error) {
      // The name or the id was taken in the meantime, or the answer got lost after the commit.
      const stored = await findAccount(db, { username: input.username });
      if (stored !== null && stored.passwordHash !== passwordHash)
        return { kind: "username_taken" };
      const isIdTaken = stored === null && (await findAccount(db, { id })) !== null;
      if (isIdTaken && ids < MAX_IDS) continue;
      if (stored === null) throw error;
    }
    background(outbox.relay(tasks));
    return { kind: "registered", user: { ...user, ownsEmail: true }, session };
  }
}

/** The statement that writes a new account; fails its batch when its id or name is taken. Rows written: 3. */
function insertUser(db: DrizzleD1Database, user: Omit<Account, "ownsEmail">): BatchItem<"sqlite"> {
  const { id, username, email, firstName, lastName } = user;
  const { passwordHash, role, locale, createdAt } = user;
  return db.insert(users).select(
    sql`SELECT ${id}, ${username}, ${email}, ${firstName}, ${lastName}, ${passwordHash}, ${role},
      ${locale}, ${createdAt}, ${isFree(email, id)}`,
  );
}

/** 1 when no other account owns the address. */
export function isFree(email: string, userId: number) {
  return sql`NOT EXISTS (SELECT 1 FROM users
    WHERE lower(email) = lower(${email}) AND owns_email = 1 AND id <> ${userId})`;
}

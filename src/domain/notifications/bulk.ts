import { eq } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { findUsers, usersBetween, type User } from "../accounts/index.ts";
import type { Locale } from "../mail/index.ts";
import { bulkNotifications, type Audience } from "./tables.ts";

export type Bulk = typeof bulkNotifications.$inferSelect;

/** People whom one task writes to. */
const CHUNK_SIZE = 100;
/** Half of what a canvas may have: with more people the chunks are larger. */
const MAX_CHUNKS = 10_000;

export interface Recipient {
  readonly to: string;
  /** Null: the deployment's. */
  readonly locale: Locale | null;
}

/** How many of so many people are in one chunk. */
export function chunkSizeFor(people: number): number {
  return Math.max(CHUNK_SIZE, Math.ceil(people / MAX_CHUNKS));
}

export function chunkCount({ audience, chunkSize }: Pick<Bulk, "audience" | "chunkSize">): number {
  if ("parts" in audience) return audience.parts.length;
  return Math.ceil(sizeOf(audience) / chunkSize);
}

/** How many are named. */
export function sizeOf(audience: Exclude<Audience, { readonly parts: unknown }>): number {
  return "emails" in audience ? audience.emails.length : audience.userIds.length;
}

/** Writes a bulk notification down; one that is there stays as it is. @returns what is there. Rows written: 1 or 0 */
export async function keepBulk(db: DrizzleD1Database, bulk: Bulk): Promise<Bulk> {
  const [, kept] = await db.batch([
    db.insert(bulkNotifications).values(bulk).onConflictDoNothing(),
    db.select().from(bulkNotifications).where(eq(bulkNotifications.id, bulk.id)),
  ]);
  return kept[0] ?? bulk;
}

/** Null: nobody asked for it. */
export async function findBulk(db: DrizzleD1Database, id: string): Promise<Bulk | null> {
  const [bulk] = await db.select().from(bulkNotifications).where(eq(bulkNotifications.id, id));
  return bulk ?? null;
}

/**
 * The people of one chunk, always the same but for what they changed themselves. Nobody is written to by way of
 * an account whose address is another's.
 * @param chunk from 0 on
 * @returns `unknown`: how many of those who were named there are not
 */
export async function recipientsOf(
  db: DrizzleD1Database,
  { audience, chunkSize, createdAt }: Pick<Bulk, "audience" | "chunkSize" | "createdAt">,
  chunk: number,
): Promise<{ recipients: Recipient[]; unknown: number }> {
  if ("parts" in audience) {
    const { parts, role } = audience;
    const [from, until = null] = parts.slice(chunk, chunk + 2);
    if (from === undefined) return { recipients: [], unknown: 0 };
    const users = await usersBetween(db, { from, until, role, createdUntil: createdAt });
    return { recipients: users.map(toRecipient), unknown: 0 };
  }
  const [from, until] = [chunk * chunkSize, (chunk + 1) * chunkSize];
  if ("emails" in audience) {
    const emails = audience.emails.slice(from, until);
    return { recipients: emails.map((to) => ({ to, locale: null })), unknown: 0 };
  }
  const ids = audience.userIds.slice(from, until);
  const users = [...(await findUsers(db, ids)).values()].filter(({ ownsEmail }) => ownsEmail);
  return { recipients: users.map(toRecipient), unknown: ids.length - users.length };
}

function toRecipient({ email: to, locale }: Pick<User, "email" | "locale">): Recipient {
  return { to, locale };
}

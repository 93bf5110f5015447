import { eq } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { findUsers } from "../accounts/index.ts";
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

/** How many people may be in one chunk. */
export function chunkSizeFor(audience: Audience): number {
  return Math.max(CHUNK_SIZE, Math.ceil(sizeOf(audience) / MAX_CHUNKS));
}

export function chunkCount({ audience, chunkSize }: Pick<Bulk, "audience" | "chunkSize">): number {
  return Math.ceil(sizeOf(audience) / chunkSize);
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
 * The people of one chunk, always the same but for what they changed themselves. Accounts are taken by
 * ranges of their ids, so finding a chunk reads no other.
 * @param chunk from 0 on
 * @returns `unknown`: how many of those who were named there are not
 */
export async function recipientsOf(
  db: DrizzleD1Database,
  { audience, chunkSize }: Pick<Bulk, "audience" | "chunkSize">,
  chunk: number,
): Promise<{ recipients: Recipient[]; unknown: number }> {
  const [from, until] = [chunk * chunkSize, (chunk + 1) * chunkSize];
  if ("emails" in audience) {
    const emails = audience.emails.slice(from, until);
    return { recipients: emails.map((to) => ({ to, locale: null })), unknown: 0 };
  }
  const ids = "userIds" in audience ? audience.userIds.slice(from, until) : [];
  if ("lastUserId" in audience) {
    for (let id = from + 1; id <= Math.min(until, audience.lastUserId); id += 1) ids.push(id);
  }
  const users = await findUsers(db, ids);
  const role = "lastUserId" in audience ? audience.role : null;
  const wanted = [...users.values()].filter((user) => role === null || user.role === role);
  return {
    recipients: wanted.map(({ email: to, locale }) => ({ to, locale })),
    unknown: "userIds" in audience ? ids.length - users.size : 0,
  };
}

function sizeOf(audience: Audience): number {
  if ("emails" in audience) return audience.emails.length;
  return "userIds" in audience ? audience.userIds.length : audience.lastUserId;
}

import { and, eq, sql } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { suppressions, type SuppressionReason } from "./tables.ts";

/** An address that is not written to, and why. */
export type Suppression = typeof suppressions.$inferSelect;
type Key = Pick<Suppression, "address" | "reason">;

/** Of these addresses, in lower case, those that are not written to, and why. Rows read: two each. */
export async function findSuppressed(
  db: DrizzleD1Database,
  addresses: readonly string[],
): Promise<Map<string, Set<SuppressionReason>>> {
  const list = JSON.stringify([...new Set(addresses)]);
  const found = await db
    .select({ address: suppressions.address, reason: suppressions.reason })
    .from(suppressions)
    .where(sql`address IN (SELECT value FROM json_each(${list}))`);
  const reasons = Map.groupBy(found, ({ address }) => address);
  return new Map(
    [...reasons].map(([address, rows]) => [address, new Set(rows.map(({ reason }) => reason))]),
  );
}

/** By address, from behind `after` on; null: from the first. */
export function listSuppressions(
  db: DrizzleD1Database,
  { after, limit }: { readonly after: Key | null; readonly limit: number },
): Promise<Suppression[]> {
  const rest =
    after === null ? undefined : sql`(address, reason) > (${after.address}, ${after.reason})`;
  return db
    .select()
    .from(suppressions)
    .where(rest)
    .orderBy(suppressions.address, suppressions.reason)
    .limit(limit);
}

/** Puts an address on the list; what is there stays as it is. @returns what is there */
export async function addSuppression(
  db: DrizzleD1Database,
  { address, ...rest }: Suppression,
): Promise<{ suppression: Suppression; isNew: boolean }> {
  const suppression = { ...rest, address: address.toLowerCase() };
  const key = and(
    eq(suppressions.address, suppression.address),
    eq(suppressions.reason, suppression.reason),
  );
  const [added, found] = await db.batch([
    db.insert(suppressions).values(suppression).onConflictDoNothing().returning(),
    db.select().from(suppressions).where(key),
  ]);
  return { suppression: found[0] ?? suppression, isNew: added.length > 0 };
}

/** Takes an address off the list. @returns false: it was not on it */
export async function removeSuppression(
  db: DrizzleD1Database,
  address: string,
  reason: SuppressionReason | undefined,
): Promise<boolean> {
  const removed = await db
    .delete(suppressions)
    .where(
      and(
        eq(suppressions.address, address.toLowerCase()),
        reason === undefined ? undefined : eq(suppressions.reason, reason),
      ),
    )
    .returning({ address: suppressions.address });
  return removed.length > 0;
}

/** The statement for mailboxes that will never take mail. Safe to repeat. Rows written: 1 each. */
export function insertBounces(
  db: DrizzleD1Database,
  bounces: readonly Pick<Suppression, "address" | "detail">[],
  now: number,
): BatchItem<"sqlite"> {
  const values = JSON.stringify(
    bounces.map(({ address, detail }) => [address.toLowerCase(), detail]),
  );
  return db
    .insert(suppressions)
    .select(
      sql`SELECT value ->> 0, 'hard_bounce', value ->> 1, ${now} FROM json_each(${values}) WHERE true`,
    )
    .onConflictDoNothing();
}

import { and, desc, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { findOrders, type Order, type OrderPlace } from "./find-orders.ts";
import type { OrderState } from "./states.ts";
import { orders } from "./tables.ts";

/** What orders are narrowed by; null: it doesn't matter. */
export interface OrderQuery {
  readonly state: OrderState | null;
  /** The customer's address, whatever its case. */
  readonly email: string | null;
}

/** Orders that one page looks at: what is rare may be on a later one. */
const MAX_LOOKED_AT = 5_000;

/**
 * Everybody's orders, the newest first, for those who watch over the deployment. Looks at a bounded number of
 * them by the index of their times, so a page may be short, or empty, although more follow.
 * @returns `next`: where the next page goes on; null: there is none
 */
export async function searchOrders(
  db: DrizzleD1Database,
  { state, email }: OrderQuery,
  { limit, after }: { readonly limit: number; readonly after: OrderPlace | null },
): Promise<{ orders: Order[]; next: OrderPlace | null }> {
  const isNarrowed = state !== null || email !== null;
  const mostLooked = isNarrowed ? MAX_LOOKED_AT : limit;
  const looked = db.$with("looked").as(
    db
      .select({
        id: orders.id,
        createdAt: orders.createdAt,
        state: orders.state,
        customerEmail: orders.customerEmail,
      })
      .from(orders)
      .where(after ? sql`(created_at, id) < (${after.createdAt}, ${after.id})` : undefined)
      .orderBy(desc(orders.createdAt), desc(orders.id))
      .limit(mostLooked),
  );
  const place = { createdAt: looked.createdAt, id: looked.id };
  const order = [desc(looked.createdAt), desc(looked.id)] as const;
  const [found, ends] = await db.batch([
    db
      .with(looked)
      .select(place)
      .from(looked)
      .where(
        and(
          state === null ? undefined : sql`${looked.state} = ${state}`,
          email === null ? undefined : sql`lower(${looked.customerEmail}) = ${email.toLowerCase()}`,
        ),
      )
      .orderBy(...order)
      .limit(limit),
    db
      .with(looked)
      .select(place)
      .from(looked)
      .orderBy(...order)
      .limit(1)
      .offset(mostLooked - 1),
  ]);
  const byId = await findOrders(
    db,
    found.map(({ id }) => id),
  );
  const next = found.length === limit ? found.at(-1) : ends[0];
  return { orders: found.flatMap(({ id }) => byId.get(id) ?? []), next: next ?? null };
}

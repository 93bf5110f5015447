import { and, eq, sql } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { findProducts, type Product } from "../catalog/index.ts";
import { failUnless } from "../services/index.ts";
import type { CartLine } from "./cart-lines.ts";
import { carts } from "./tables.ts";

/** Whose cart. */
export interface CartKey {
  readonly owner: string;
  readonly userId: number;
}

/** A cart as it is stored; `updatedAt` null: there is none, which is an empty one. */
export interface StoredCart {
  readonly lines: readonly CartLine[];
  readonly updatedAt: number | null;
}

/** A cart as its owner sees it, at the prices of now. */
export interface PricedCart extends StoredCart {
  readonly items: readonly { readonly product: Product; readonly quantity: number }[];
  /** Minor units, by currency: an order has one. */
  readonly totals: ReadonlyMap<string, number>;
}

/** Changes that meet each other are made one after the other, so many times. */
const MAX_TRIES = 10;

/** Too many changes of one cart at once. */
export class CartBusyError extends Error {
  override readonly name = "CartBusyError";
}

export async function findCart(db: DrizzleD1Database, key: CartKey): Promise<StoredCart> {
  const [cart] = await db.select().from(carts).where(isCart(key));
  return cart ?? { lines: [], updatedAt: null };
}

/** Looks up what a cart costs now. */
export async function priced(db: DrizzleD1Database, cart: StoredCart): Promise<PricedCart> {
  const products = await findProducts(
    db,
    cart.lines.map(({ sku }) => sku),
  );
  const items = cart.lines.flatMap(({ sku, quantity }) => {
    const product = products.get(sku);
    return product === undefined ? [] : [{ product, quantity }];
  });
  const totals = new Map<string, number>();
  for (const { product, quantity } of items) {
    const { currency, priceMinor } = product;
    totals.set(currency, (totals.get(currency) ?? 0) + priceMinor * quantity);
  }
  return { ...cart, items, totals };
}

/**
 * Changes a cart; of changes at the same time none is lost. Rows written: 2.
 * @param edit null: it can't be changed so
 * @returns the cart after it; null as `edit` says
 * @throws CartBusyError
 */
export async function changeCart(
  db: DrizzleD1Database,
  key: CartKey,
  now: number,
  edit: (lines: readonly CartLine[]) => readonly CartLine[] | null,
): Promise<StoredCart | null> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const cart = await findCart(db, key);
    const lines = edit(cart.lines);
    if (lines === null) return null;
    const updatedAt = Math.max(now, (cart.updatedAt ?? 0) + 1);
    const written =
      cart.updatedAt === null
        ? db
            .insert(carts)
            .values({ ...key, lines, updatedAt })
            .onConflictDoNothing()
        : db
            .update(carts)
            .set({ lines, updatedAt })
            .where(and(isCart(key), eq(carts.updatedAt, cart.updatedAt)));
    const [changed] = await written.returning();
    if (changed !== undefined) return changed;
  }
  throw new CartBusyError("The cart is changed by too many at once.");
}

/**
 * The statements that empty a cart which is still as it was read; otherwise they fail the batch they are in.
 * Rows written: 2.
 */
export function emptyCart(
  db: DrizzleD1Database,
  key: CartKey,
  seenAt: number,
  now: number,
): BatchItem<"sqlite">[] {
  const version = sql`(SELECT updated_at FROM carts
    WHERE owner = ${key.owner} AND user_id = ${key.userId})`;
  return [
    failUnless(db, sql`${version} IS ${seenAt}`),
    db
      .update(carts)
      .set({ lines: [], updatedAt: Math.max(now, seenAt + 1) })
      .where(isCart(key)),
  ];
}

/** Deletes carts that nobody touched since then: at most so many, in one statement. Rows written: 1 each. */
export async function deleteOldCarts(
  db: DrizzleD1Database,
  untouchedSince: number,
  limit: number,
): Promise<number> {
  const old = sql`(SELECT owner, user_id FROM carts WHERE updated_at < ${untouchedSince}
    ORDER BY updated_at LIMIT ${limit})`;
  const deleted = await db
    .delete(carts)
    .where(sql`(owner, user_id) IN ${old}`)
    .returning({ userId: carts.userId });
  return deleted.length;
}

function isCart({ owner, userId }: CartKey) {
  return and(eq(carts.owner, owner), eq(carts.userId, userId));
}

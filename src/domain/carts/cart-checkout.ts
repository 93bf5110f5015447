import type { Lovage } from "#engine";
import { createOrder, type CheckoutParts } from "../checkout/index.ts";
import type { Locale } from "../mail/index.ts";
import { findOrder, type Order } from "../orders/index.ts";
import { emptyCart, findCart, priced, type CartKey, type PricedCart } from "./cart-book.ts";

/** How a cart is to become an order. */
export interface CartCheckout {
  readonly orderId: string;
  readonly customerEmail: string;
  /** What the customer was told that it costs, minor units. */
  readonly expectedMinor: number;
  /** Null: the deployment's. */
  readonly locale: Locale | null;
  /** What the gateway is to charge; absent: it doesn't need it. */
  readonly paymentMethod: string | undefined;
}

/**
 * - `created`, `same`: as of an order.
 * - `conflict`: the id belongs to another order.
 * - `empty`: there is nothing in the cart.
 * - `mixed`: it has articles of several currencies.
 * - `changed`: it costs something else by now, or was changed meanwhile; here it is as it is now.
 */
export type CartCheckoutAnswer =
  | { readonly kind: "created" | "same"; readonly order: Order }
  | { readonly kind: "conflict" | "empty" | "mixed" }
  | { readonly kind: "changed"; readonly cart: PricedCart };

/**
 * Makes an order of a cart at the prices of now, and empties it in the same batch. Repeated with the same id
 * it is the same order, whatever is in the cart by then.
 */
export async function checkOutCart(
  parts: CheckoutParts,
  lovage: Lovage,
  key: CartKey,
  input: CartCheckout,
): Promise<CartCheckoutAnswer> {
  const { db, clock } = parts;
  // The cart first: if it was emptied by this very check-out, its order is there.
  const stored = await findCart(db, key);
  const before = await findOrder(db, input.orderId);
  if (before !== null) return compare(before, key, input);
  const cart = await priced(db, stored);
  if (cart.items.length === 0 || cart.updatedAt === null) return { kind: "empty" };
  const [total, ...others] = cart.totals;
  if (total === undefined || others.length > 0) return { kind: "mixed" };
  const [currency, amountMinor] = total;
  if (amountMinor !== input.expectedMinor) return { kind: "changed", cart };
  const { expectedMinor: _expected, ...same } = input;
  const order = {
    ...same,
    userId: key.userId,
    amountMinor,
    currency,
    items: cart.items.map(({ product, quantity }) => ({
      sku: product.sku,
      name: product.name,
      quantity,
      unitPriceMinor: product.priceMinor,
      sellerId: product.sellerId,
    })),
  };
  const emptying = emptyCart(db, key, cart.updatedAt, clock.now());
  try {
    return await createOrder(parts, lovage, key.owner, order, emptying);
  } catch (error) {
    const now = await findCart(db, key);
    if (now.updatedAt === cart.updatedAt) throw error;
    return { kind: "changed", cart: await priced(db, now) };
  }
}

function compare(
  order: Order,
  { owner, userId }: CartKey,
  input: CartCheckout,
): CartCheckoutAnswer {
  const isSame =
    order.owner === owner &&
    order.userId === userId &&
    order.amountMinor === input.expectedMinor &&
    order.customerEmail === input.customerEmail &&
    order.locale === input.locale &&
    order.paymentMethod === (input.paymentMethod ?? null);
  return isSame ? { kind: "same", order } : { kind: "conflict" };
}

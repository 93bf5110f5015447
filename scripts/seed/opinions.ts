import type { Chance } from "./chance.ts";
import { countUsers, FIRST_USER, type Rows, type SeedOptions } from "./people.ts";
import type { Order, Product } from "./goods.ts";

const DAY_MS = 86_400_000;
/** Ids of seeded reviews count up from here, far from those of real ones. */
const FIRST_REVIEW = 1_000_000_000;
/** One account in ten has something in its cart. */
const CART_SHARE = 0.1;
/** The oldest cart, days. */
const OLDEST_CART = 60;

/** Reviews of some delivered orders; `ratings` takes them along. */
export class Opinions {
  readonly #ratings = new Map<string, { reviews: number; sum: number }>();
  #count = 0;

  /** Of one delivered order in five, its first article. */
  reviewsOf(orders: readonly Order[], chance: Chance): Rows {
    const rows = orders.flatMap(({ id, state, lines, createdAt }) => {
      const [first] = lines;
      if (state !== "delivered" || first === undefined || chance.float() > 0.2) return [];
      const rating = chance.weighted([
        [5, 5],
        [4, 3],
        [3, 1],
        [1, 1],
      ]);
      const { sku } = first.product;
      const known = this.#ratings.get(sku) ?? { reviews: 0, sum: 0 };
      this.#ratings.set(sku, { reviews: known.reviews + 1, sum: known.sum + rating });
      this.#count += 1;
      const at = createdAt + 5 * DAY_MS;
      return [[FIRST_REVIEW + this.#count, id, sku, rating, rating > 3 ? "Good." : "", at, at]];
    });
    const columns = ["id", "order_id", "sku", "rating", "text", "created_at", "updated_at"];
    return { table: "reviews", columns, rows };
  }

  ratings(): Rows {
    return {
      table: "product_ratings",
      columns: ["sku", "reviews", "rating_sum"],
      rows: Array.from(this.#ratings, ([sku, { reviews, sum }]) => [sku, reviews, sum]),
    };
  }
}

/** Carts of all ages, so that some are abandoned. */
export function cartsOf(products: readonly Product[], options: SeedOptions, chance: Chance): Rows {
  const count = Math.round(countUsers(options) * CART_SHARE);
  const rows = Array.from({ length: count }, (_, n) => {
    const userId = FIRST_USER + n * Math.round(1 / CART_SHARE);
    const [product] = products.slice(chance.popular(products.length));
    const lines =
      product === undefined ? [] : [{ sku: product.sku, quantity: chance.integer(1, 3) }];
    const age = chance.integer(0, OLDEST_CART * DAY_MS);
    return [`user:${userId}`, userId, JSON.stringify(lines), options.now - age];
  });
  return { table: "carts", columns: ["owner", "user_id", "lines", "updated_at"], rows };
}

import type { Chance } from "./chance.ts";
import type { Order, Product } from "./goods.ts";
import { cartsOf, Opinions } from "./opinions.ts";
import {
  countSellers,
  countUsers,
  emailOf,
  FIRST_USER,
  localeOf,
  type Rows,
  type SeedOptions,
} from "./people.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const OWNER = "shop";
const CURRENCY = "USD";
const THINGS = ["Lamp", "Chair", "Kettle", "Backpack", "Notebook", "Headphones", "Scarf"] as const;
const KINDS = ["oak", "steel", "blue", "small", "travel", "office"] as const;
/** Rows that go together into one answer of the generator. */
const ORDERS_AT_ONCE = 500;

/** An hour of the day, as shops have them: few at night, many in the evening. */
function timeOfDay(chance: Chance): number {
  const hour = Math.floor(24 * Math.sqrt(0.1 + 0.9 * chance.float()));
  return Math.min(23, hour) * HOUR_MS + chance.integer(0, HOUR_MS - 1);
}

function productsOf(options: SeedOptions, chance: Chance): Product[] {
  const sellers = countSellers(options);
  return Array.from({ length: Math.max(50, Math.round(options.orders / 50)) }, (_, n) => ({
    sku: `SKU-${String(n + 1).padStart(5, "0")}`,
    name: `${chance.pick(THINGS)}, ${chance.pick(KINDS)} ${n + 1}`,
    priceMinor: chance.integer(3, 300) * 100 - 5,
    sellerId: n % 3 === 0 ? null : FIRST_USER + chance.integer(0, sellers - 1),
  }));
}

/** What became of an order, by its age: older ones have gone further. */
function stateOf(ageMs: number, chance: Chance): string {
  const fate = chance.float();
  if (fate < 0.03) return "payment_failed";
  if (fate < 0.06) return "cancelled";
  if (fate < 0.08) return "refunded";
  if (ageMs < DAY_MS) return "paid";
  return ageMs < 4 * DAY_MS ? "shipped" : "delivered";
}

const paymentTask = (id: string) => `${id}-payment`;
const chargeKey = (id: string) => `order:${id}:0`;

/** Products, orders with what was ordered, their payments and the gateway's book, reviews and carts. */
export function* sales(options: SeedOptions, chance: Chance): Generator<Rows> {
  const { now, days } = options;
  const products = productsOf(options, chance);
  const opinions = new Opinions();
  yield {
    table: "products",
    columns: ["sku", "name", "price_minor", "currency", "seller_id", "updated_at"],
    rows: products.map(({ sku, name, priceMinor, sellerId }) => [
      ...[sku, name, priceMinor, CURRENCY, sellerId, now - days * DAY_MS],
    ]),
  };
  for (let from = 0; from < options.orders; from += ORDERS_AT_ONCE) {
    const count = Math.min(ORDERS_AT_ONCE, options.orders - from);
    const orders = Array.from({ length: count }, (_, n) =>
      orderOf(from + n, products, options, chance),
    );
    yield* [orderRows(orders, now), itemRows(orders), ...moneyRows(orders)];
    yield opinions.reviewsOf(orders, chance);
  }
  yield opinions.ratings();
  yield cartsOf(products, options, chance);
}

function orderOf(
  n: number,
  products: readonly Product[],
  options: SeedOptions,
  chance: Chance,
): Order {
  const { now, days, orders } = options;
  const day = now - Math.floor(((orders - n) / orders) * days) * DAY_MS;
  const createdAt = Math.min(day - (day % DAY_MS) + timeOfDay(chance), now - 60_000);
  const lines = Array.from({ length: chance.integer(1, 4) }, () => ({
    product: products.slice(chance.popular(products.length))[0],
    quantity: chance.weighted([
      [1, 8],
      [2, 2],
      [5, 1],
    ]),
  })).flatMap(({ product, quantity }) => (product === undefined ? [] : [{ product, quantity }]));
  return {
    id: `seed-${String(n + 1).padStart(7, "0")}`,
    userId: FIRST_USER + chance.popular(countUsers(options)),
    amount: lines.reduce((sum, { product, quantity }) => sum + product.priceMinor * quantity, 0),
    state: stateOf(now - createdAt, chance),
    createdAt,
    lines,
  };
}

function orderRows(orders: readonly Order[], now: number): Rows {
  return {
    table: "orders",
    columns: [
      ...["id", "owner", "user_id", "amount_minor", "currency", "customer_email", "locale"],
      ...["state", "email_task_id", "payment_task_id", "created_at", "seller_task_id"],
      ...["shipped_at", "delivered_at", "cancelled_at", "refunded_at"],
    ],
    rows: orders.map(({ id, userId, amount, state, createdAt }) => {
      const after = (states: readonly string[], days: number) =>
        states.includes(state) ? Math.min(createdAt + days * DAY_MS, now) : null;
      return [
        ...[id, OWNER, userId, amount, CURRENCY, emailOf(userId), localeOf(userId), state],
        ...[`${id}-mail`, paymentTask(id), createdAt, null],
        ...[after(["shipped", "delivered"], 1), after(["delivered"], 4)],
        ...[after(["cancelled"], 0.1), after(["refunded"], 2)],
      ];
    }),
  };
}

function itemRows(orders: readonly Order[]): Rows {
  return {
    table: "order_items",
    columns: [...["order_id", "line", "sku", "name", "quantity", "unit_price_minor", "seller_id"]],
    rows: orders.flatMap(({ id, lines }) =>
      lines.map(({ product: { sku, name, priceMinor, sellerId }, quantity }, line) => [
        ...[id, line, sku, name, quantity, priceMinor, sellerId],
      ]),
    ),
  };
}

/** A cancelled order was never charged. */
function moneyRows(orders: readonly Order[]): Rows[] {
  const charged = orders.filter(({ state }) => state !== "cancelled");
  const refunded = charged.filter(({ state }) => state === "refunded");
  const isDeclined = ({ state }: Order) => state === "payment_failed";
  return [
    {
      table: "payments",
      columns: [
        ...["order_id", "state", "task_id", "provider", "reference", "decline_reason"],
        ...["declines", "updated_at", "refusals", "refusal_reason"],
      ],
      rows: charged.map((order) => {
        const { id, createdAt } = order;
        const task = paymentTask(id);
        const paid = order.state === "refunded" ? "refunded" : "captured";
        return isDeclined(order)
          ? [
              id,
              "declined",
              task,
              "simulated",
              null,
              "The card was declined.",
              1,
              createdAt,
              0,
              null,
            ]
          : [id, paid, task, "simulated", `sim_${chargeKey(id)}`, null, 0, createdAt, 0, null];
      }),
    },
    {
      table: "simulated_charges",
      columns: [
        ...["idempotency_key", "order_id", "amount_minor", "currency", "requests", "captures"],
        "created_at",
      ],
      rows: charged.map((order) => [
        ...[chargeKey(order.id), order.id, order.amount, CURRENCY, 1, isDeclined(order) ? 0 : 1],
        order.createdAt,
      ]),
    },
    {
      table: "simulated_refunds",
      columns: ["charge_key", "idempotency_key", "amount_minor", "requests", "refunds"],
      rows: refunded.map(({ id, amount }) => [chargeKey(id), `refund:${id}:0`, amount, 1, 1]),
    },
  ];
}

import { sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";

const HOUR = 3_600_000;

/** Orders that were created in a time, by what is known of them now. */
export type Sales = {
  readonly orders: {
    readonly count: number;
    readonly by_state: Readonly<Record<string, number>>;
  };
  /** Amounts of those that are paid, by currency: `{"USD": "1234.50"}`. */
  readonly revenue: Readonly<Record<string, string>>;
};

interface SalesRow {
  readonly state: string;
  readonly currency: string;
  readonly orders: number;
  /** Those with a captured payment, and their amounts in minor units. */
  readonly paid: number;
  readonly minor: number;
}

/** Adds up orders and payments in the database, an hour at a time: many orders cost it short looks. */
export async function salesOf(
  db: DrizzleD1Database,
  { from, until }: { readonly from: number; readonly until: number },
  signal: AbortSignal,
): Promise<Sales> {
  const byState = new Map<string, number>();
  const minorOf = new Map<string, number>();
  for (let hour = from; hour < until; hour += HOUR) {
    signal.throwIfAborted();
    const rows = await db.all<SalesRow>(salesQuery(hour, Math.min(hour + HOUR, until)));
    for (const { state, currency, orders, paid, minor } of rows) {
      byState.set(state, (byState.get(state) ?? 0) + orders);
      if (paid > 0) minorOf.set(currency, (minorOf.get(currency) ?? 0) + minor);
    }
  }
  const states = [...byState.keys()].sort();
  const currencies = [...minorOf.keys()].sort();
  const countOf = (state: string) => byState.get(state) ?? 0;
  return {
    orders: {
      count: states.reduce((sum, state) => sum + countOf(state), 0),
      by_state: Object.fromEntries(states.map((state) => [state, countOf(state)])),
    },
    revenue: Object.fromEntries(
      currencies.map((currency) => [currency, decimal(minorOf.get(currency) ?? 0)]),
    ),
  };
}

/** `from` included, `until` not. */
function salesQuery(from: number, until: number) {
  return sql`SELECT orders.state, orders.currency, count(*) AS orders,
      count(payments.order_id) AS paid,
      sum(iif(payments.order_id IS NULL, 0, orders.amount_minor)) AS minor
    FROM orders
    LEFT JOIN payments ON payments.order_id = orders.id AND payments.state = 'captured'
    WHERE orders.created_at >= ${from} AND orders.created_at < ${until}
    GROUP BY orders.state, orders.currency`;
}

/** Minor units as a decimal, as amounts come in: with two places whatever the currency. */
function decimal(minor: number): string {
  return `${Math.floor(minor / 100)}.${String(minor % 100).padStart(2, "0")}`;
}

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { beforeAll, expect, it } from "vitest";
import { seededShop, statementsOf } from "../../scripts/seed/shop.ts";

const MIGRATIONS = join(import.meta.dirname, "../../migrations");
const OPTIONS = { orders: 700, days: 30, now: Date.parse("2026-11-21T00:00:00Z") };

const database = new DatabaseSync(":memory:");
const count = (query: string) => Number(Object.values(database.prepare(query).get() ?? {})[0]);

function seed(): void {
  for (const rows of seededShop(OPTIONS, 1)) {
    for (const statement of statementsOf(rows)) {
      expect(statement.length).toBeLessThan(100_000);
      database.exec(statement);
    }
  }
}

beforeAll(() => {
  const files = readdirSync(MIGRATIONS).filter((name) => name.endsWith(".sql"));
  for (const file of files.sort()) database.exec(readFileSync(join(MIGRATIONS, file), "utf8"));
  seed();
});

it.each([
  ["orders", 700],
  ["users", 70],
  ["escrow_transactions", 14],
  ["api_log", 56],
])("fills %s", (table, rows) => {
  expect(count(`SELECT count(*) FROM ${table}`)).toBe(rows);
});

it("makes the same shop again and adds nothing", () => {
  const tables = [
    "orders",
    "order_items",
    "payments",
    "reviews",
    "carts",
    "escrow_events",
    "api_log",
  ];
  const counts = () => tables.map((table) => count(`SELECT count(*) FROM ${table}`));
  const before = counts();
  expect(Math.min(...before)).toBeGreaterThan(0);
  seed();
  expect(counts()).toEqual(before);
});

it.each([
  [
    "an order costs what its items cost",
    `SELECT count(*) FROM orders WHERE amount_minor <>
      (SELECT sum(quantity * unit_price_minor) FROM order_items WHERE order_id = orders.id)`,
  ],
  [
    "what was paid was captured once, and what was not was not",
    `SELECT count(*) FROM orders LEFT JOIN simulated_charges AS book ON book.order_id = orders.id
      WHERE (state IN ('paid', 'shipped', 'delivered', 'refunded')) <> (coalesce(captures, 0) = 1)`,
  ],
  [
    "a refunded order's money went back",
    `SELECT count(*) FROM orders LEFT JOIN simulated_refunds AS book ON charge_key = 'order:' || id || ':0'
      WHERE (state = 'refunded') <> (coalesce(refunds, 0) = 1)`,
  ],
  [
    "the parts of an escrow transaction cost what it costs",
    `SELECT count(*) FROM escrow_transactions AS one WHERE amount_minor <>
      (SELECT sum(amount_minor) FROM escrow_milestones WHERE transaction_id = one.id)`,
  ],
  [
    "a completed transaction has given the seller all that was funded",
    `SELECT count(*) FROM escrow_transactions AS one WHERE state = 'completed' AND
      (SELECT sum(iif(to_account = 'seller', amount_minor, 0)) FROM escrow_entries WHERE transaction_id = one.id) <> amount_minor`,
  ],
  [
    "ratings are those of the reviews",
    `SELECT count(*) FROM product_ratings AS one WHERE rating_sum <>
      (SELECT sum(rating) FROM reviews WHERE sku = one.sku)`,
  ],
  ["nothing is of the future", `SELECT count(*) FROM orders WHERE created_at >= ${OPTIONS.now}`],
])("%s", (_what, query) => {
  expect(count(query)).toBe(0);
});

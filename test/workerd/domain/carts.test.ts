import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import type { TaskContext } from "#engine";
import { changeCart, checkOutCart, findCart, withLine } from "#domain/carts";
import { putProducts } from "#domain/catalog";
import type { ShopServices } from "../../../src/domain/index.ts";
import { cleanupOldCarts } from "../../../src/domain/carts/cleanup-old-carts.ts";
import { Faults, faultyDatabase } from "./faults.ts";
import { createShop, emptyTables, rows } from "./shop.ts";

const KEY = { owner: "shop", userId: 1 };
const DAY_MS = 86_400_000;
const NOW = 1_900_000_000_000;
const CHECKOUT = {
  paymentMethod: undefined,
  ...{ orderId: "123", customerEmail: "c@example.com", expectedMinor: 2_500, locale: null },
};

type Shop = ReturnType<typeof createShop>;

beforeEach(async () => {
  await emptyTables();
  await price(createShop(), { cup: 1_000, plate: 500 });
});

it("changes of one cart at the same time are all kept", async () => {
  const { db } = createShop();
  await Promise.all(
    Array.from({ length: 5 }, (_, n) =>
      changeCart(db, KEY, NOW, (lines) => withLine(lines, { sku: `sku-${n}`, quantity: 1 })),
    ),
  );
  expect((await findCart(db, KEY)).lines).toHaveLength(5);
});

it("a cart becomes an order with its articles at the prices of now, and is empty then", async () => {
  const shop = createShop();
  await fill(shop);
  const answer = await checkOut(shop);
  expect(answer).toMatchObject({ kind: "created", order: { amountMinor: 2_500, userId: 1 } });
  expect(await rows("SELECT sku, name, quantity, unit_price_minor FROM order_items")).toEqual([
    { sku: "cup", name: "The cup", quantity: 2, unit_price_minor: 1_000 },
    { sku: "plate", name: "The plate", quantity: 1, unit_price_minor: 500 },
  ]);
  expect((await findCart(shop.db, KEY)).lines).toEqual([]);
});

it("the same check-out again is the same order, whatever is in the cart by then", async () => {
  const shop = createShop();
  await fill(shop);
  const first = await checkOut(shop);
  expect(await checkOut(shop)).toEqual({ ...first, kind: "same" });
  await fill(shop);
  expect((await checkOut(shop)).kind).toBe("same");
  expect((await findCart(shop.db, KEY)).lines).toHaveLength(2);
  expect((await checkOut(shop, { expectedMinor: 2_501 })).kind).toBe("conflict");
  expect((await checkOut(shop, { customerEmail: "x@example.com" })).kind).toBe("conflict");
});

it("of many check-outs at once one creates the order; with ids of their own the others find the cart changed", async () => {
  const shop = createShop();
  await fill(shop);
  const same = await Promise.all([checkOut(shop), checkOut(shop), checkOut(shop)]);
  expect(same.map(({ kind }) => kind).sort()).toEqual(["created", "same", "same"]);
  await fill(shop);
  const ids = ["a", "b", "c"];
  const others = await Promise.all(ids.map((orderId) => checkOut(shop, { orderId })));
  const kinds = others.map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind === "created")).toHaveLength(1);
  expect(kinds.filter((kind) => kind === "changed" || kind === "empty")).toHaveLength(2);
  expect(await rows("SELECT id FROM orders")).toHaveLength(2);
});

it("a price that changed stops the check-out and is told, until the new total is agreed to", async () => {
  const shop = createShop();
  await fill(shop);
  await price(shop, { cup: 1_100 });
  const answer = await checkOut(shop);
  expect(answer).toMatchObject({ kind: "changed" });
  expect(answer.kind === "changed" && [...answer.cart.totals]).toEqual([["USD", 2_700]]);
  expect(await rows("SELECT id FROM orders")).toEqual([]);
  expect((await checkOut(shop, { expectedMinor: 2_700 })).kind).toBe("created");
});

it("an article that is put in while the check-out runs is neither lost nor ordered", async () => {
  const shop = createShop();
  await fill(shop);
  // After the cart and its prices were read.
  const meanwhile = beforeCall(4, () =>
    changeCart(shop.db, KEY, NOW, (lines) => withLine(lines, { sku: "cup", quantity: 9 })),
  );
  const slow = createShop({ database: faultyDatabase(env.DB, meanwhile) });
  expect((await checkOut(slow)).kind).toBe("changed");
  expect(await rows("SELECT id FROM orders")).toEqual([]);
  expect((await findCart(shop.db, KEY)).lines[0]).toEqual({ sku: "cup", quantity: 9 });
});

it("a crash at any call of the check-out leaves cart or order, and repeating it ends the same", async () => {
  let points = 0;
  for (let at = 1; ; at += 1) {
    let hasStruck = false;
    for (const when of ["before", "after"] as const) {
      await emptyTables();
      const shop = createShop();
      await price(shop, { cup: 1_000, plate: 500 });
      await fill(shop);
      const faults = new Faults({ at, when });
      const broken = createShop({ database: faultyDatabase(env.DB, faults), ledger: shop.ledger });
      await checkOut(broken).catch(() => null);
      await broken.settled();
      hasStruck = faults.struck;
      const [ordered] = await rows<{ n: number }>("SELECT count(*) AS n FROM orders");
      const { lines } = await findCart(shop.db, KEY);
      expect(lines.length, `${when} ${at}`).toBe(ordered?.n === 0 ? 2 : 0);
      expect(["created", "same"]).toContain((await checkOut(shop)).kind);
      expect(await rows("SELECT id FROM orders")).toEqual([{ id: "123" }]);
      expect((await findCart(shop.db, KEY)).lines).toEqual([]);
    }
    if (!hasStruck) break;
    points += 1;
  }
  expect(points).toBeGreaterThan(3);
});

it("an empty cart and one of two currencies become no order", async () => {
  const shop = createShop();
  expect((await checkOut(shop)).kind).toBe("empty");
  await fill(shop);
  await price(shop, { plate: 500 }, "EUR");
  expect((await checkOut(shop)).kind).toBe("mixed");
});

it("carts that nobody touched for the days of the setting are deleted, in batches; younger ones stay", async () => {
  const shop = createShop({ services: { cartDays: 7, clock: { now: () => NOW } } });
  const ages = Array.from({ length: 450 }, (_, n) => [`o${n}`, n % 10]);
  await env.DB.prepare(
    "INSERT INTO carts SELECT value ->> 0, 1, '[]', ?1 - (value ->> 1) * ?2 FROM json_each(?3)",
  )
    .bind(NOW, DAY_MS, JSON.stringify(ages))
    .run();
  // Exactly seven days is not more than seven.
  expect(await cleanUp(shop)).toEqual({ deleted_count: 90, is_done: true });
  expect(await rows("SELECT count(*) AS n FROM carts")).toEqual([{ n: 360 }]);
  expect(await cleanUp(shop)).toEqual({ deleted_count: 0, is_done: true });
  await env.DB.prepare("UPDATE carts SET updated_at = 0").run();
  expect(await cleanUp(shop)).toEqual({ deleted_count: 360, is_done: true });
});

it("a cart that is touched between two batches stays", async () => {
  const { db } = createShop();
  const touching = beforeCall(2, () =>
    changeCart(db, { owner: "299", userId: 1 }, NOW, (lines) =>
      withLine(lines, { sku: "cup", quantity: 1 }),
    ),
  );
  const database = faultyDatabase(env.DB, touching);
  const shop = createShop({ database, services: { clock: { now: () => NOW } } });
  await env.DB.prepare("INSERT INTO carts SELECT value, 1, '[]', value FROM json_each(?)")
    .bind(JSON.stringify(Array.from({ length: 300 }, (_, n) => n)))
    .run();
  expect(await cleanUp(shop)).toEqual({ deleted_count: 299, is_done: true });
  expect(await rows("SELECT owner FROM carts")).toEqual([{ owner: "299" }]);
});

it("the clean-up stops between two batches when it is told to", async () => {
  const shop = createShop({ services: { clock: { now: () => NOW } } });
  await env.DB.prepare("INSERT INTO carts SELECT value, 1, '[]', value FROM json_each(?)")
    .bind(JSON.stringify(Array.from({ length: 500 }, (_, n) => n)))
    .run();
  const stop = new AbortController();
  const answer = await cleanUp(shop, () => stop.abort(), stop.signal);
  expect(answer).toEqual({ deleted_count: 200, is_done: false });
});

it("old carts are found by their index", async () => {
  const plan = await rows<{ detail: string }>(
    `EXPLAIN QUERY PLAN DELETE FROM carts WHERE (owner, user_id) IN
      (SELECT owner, user_id FROM carts WHERE updated_at < ? ORDER BY updated_at LIMIT 200)`,
    1,
  );
  const details = plan.map(({ detail }) => detail).join("\n");
  expect(details).toContain("USING COVERING INDEX carts_updated");
  expect(details).not.toMatch(/SCAN|TEMP B-TREE/);
});

async function price(shop: Shop, prices: Record<string, number>, currency = "USD"): Promise<void> {
  const products = Object.entries(prices).map(([sku, priceMinor]) => ({
    ...{ sku, name: `The ${sku}`, priceMinor, currency, sellerId: null, updatedAt: 0 },
  }));
  await shop.db.batch([putProducts(shop.db, products)]);
}

async function fill({ db }: Shop): Promise<void> {
  await changeCart(db, KEY, NOW, () => [
    { sku: "cup", quantity: 2 },
    { sku: "plate", quantity: 1 },
  ]);
}

function checkOut(shop: Shop, over: Partial<typeof CHECKOUT> = {}) {
  const parts = { ...shop.services, background: shop.background };
  return checkOutCart(parts, shop.lovage, KEY, { ...CHECKOUT, ...over });
}

async function cleanUp(
  { services }: Shop,
  progress: () => void = () => undefined,
  signal = new AbortController().signal,
) {
  const ctx = { services, signal, progress } as unknown as TaskContext<ShopServices>;
  return cleanupOldCarts.handler?.({}, ctx);
}

/** Does something right before the n-th call to the database. */
function beforeCall(at: number, act: () => Promise<unknown>): Faults {
  return new (class extends Faults {
    override async around<T>(call: () => Promise<T>): Promise<T> {
      this.calls += 1;
      if (this.calls === at) await act();
      return call();
    }
  })();
}

import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import { listOrders } from "#domain/orders";
import { Faults, faultyDatabase } from "./faults.ts";
import { createShop, emptyTables, rows, run } from "./shop.ts";

const DAY_MS = 86_400_000;

beforeEach(emptyTables);

it("an order is shipped and delivered, and its customer is told of the shipping, once", async () => {
  const shop = createShop();
  await paid(shop, "123");
  for (const _time of [1, 2]) {
    expect(await shop.change("123", "ship")).toMatchObject({ order: { state: "shipped" } });
  }
  expect(await shop.change("123", "deliver")).toMatchObject({
    kind: "done",
    order: { state: "delivered", shippedAt: expect.any(Number), deliveredAt: expect.any(Number) },
  });
  await shop.settled();
  expect(
    await rows(
      "SELECT task_id, template, state FROM emails WHERE template <> 'order_confirmation'",
    ),
  ).toEqual([{ task_id: "order:123", template: "order_shipped", state: "sent" }]);
});

it("the delivery sets off the reminder of a review, some days later and once", async () => {
  const shop = createShop({ services: { reviewReminderDays: 2 } });
  await paid(shop, "123");
  await shop.change("123", "ship");
  const before = Date.now();
  await Promise.all([shop.change("123", "deliver"), shop.change("123", "deliver")]);
  await shop.settled();
  const reminders = [...shop.ledger.taken.values()].filter(
    ({ name }) => name === "send_review_reminder",
  );
  expect(reminders).toHaveLength(1);
  expect((reminders[0]?.dueAt ?? 0) - before).toBeGreaterThanOrEqual(2 * DAY_MS);
  expect((reminders[0]?.dueAt ?? 0) - before).toBeLessThan(2 * DAY_MS + 60_000);
});

it("what is asked for again is answered the same in every later state", async () => {
  const shop = createShop();
  await paid(shop, "123");
  await shop.change("123", "ship");
  await shop.change("123", "deliver");
  expect(await shop.change("123", "ship")).toMatchObject({
    kind: "same",
    order: { state: "delivered" },
  });
  expect(await shop.change("123", "cancel")).toMatchObject({ kind: "conflict" });
});

it("an order that is not paid is not shipped, and nobody is told so", async () => {
  const shop = createShop();
  await shop.create({ orderId: "123" });
  expect(await shop.change("123", "ship")).toMatchObject({ kind: "conflict" });
  expect(await shop.change("none", "ship")).toBeNull();
  expect(await rows("SELECT * FROM emails")).toEqual([]);
});

it("shipped and cancelled at once: one wins, and only that is told and set off", async () => {
  const winners = new Set<string>();
  for (let round = 0; round < 10; round += 1) {
    const shop = createShop();
    const orderId = `race-${round}`;
    await paid(shop, orderId);
    const [first, second] =
      round % 2 === 0 ? (["ship", "cancel"] as const) : (["cancel", "ship"] as const);
    const answers = await Promise.all([shop.change(orderId, first), shop.change(orderId, second)]);
    await shop.settled();
    const kinds = answers.map((answer) => answer?.kind ?? "none");
    expect(kinds.sort()).toEqual(["conflict", "done"]);
    const winner = answers[0]?.kind === "done" ? first : second;
    winners.add(winner);
    const [order] = await rows<{ state: string }>("SELECT state FROM orders WHERE id = ?", orderId);
    expect(order?.state).toBe(winner === "ship" ? "shipped" : "cancelled");
    expect(await rows("SELECT template FROM emails WHERE task_id = ?", `order:${orderId}`)).toEqual(
      [{ template: winner === "ship" ? "order_shipped" : "order_cancelled" }],
    );
    const tasks = [...shop.ledger.taken.values()].map(({ name }) => name);
    expect(tasks.includes("refund_payment")).toBe(winner === "cancel");
  }
  expect(winners.size).toBe(2);
});

it("a batch that fails at its last statement leaves no mail and no change", async () => {
  const shop = createShop();
  await paid(shop, "123");
  await env.DB.prepare(
    "CREATE TRIGGER broken BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'no'); END",
  ).run();
  try {
    await expect(shop.change("123", "cancel")).rejects.toThrow();
  } finally {
    await env.DB.prepare("DROP TRIGGER broken").run();
  }
  expect(await rows("SELECT state FROM orders")).toEqual([{ state: "paid" }]);
  expect(await rows("SELECT state FROM payments")).toEqual([{ state: "captured" }]);
  expect(await rows("SELECT * FROM emails WHERE task_id = 'order:123'")).toEqual([]);
});

it("a crash at any call leaves the change whole or undone, and asking again mends it", async () => {
  let points = 0;
  for (let at = 1; ; at += 1) {
    let hasStruck = false;
    for (const when of ["before", "after"] as const) {
      await emptyTables();
      const faults = new Faults({ at, when });
      const shop = createShop();
      await paid(shop, "123");
      const broken = createShop({
        database: faultyDatabase(env.DB, faults),
        ledger: shop.ledger,
      });
      await broken.change("123", "cancel").catch(() => null);
      await broken.settled();
      hasStruck = faults.struck;
      expect((await shop.change("123", "cancel"))?.order.state).toBe("cancelled");
      await shop.settled();
      await env.DB.prepare("UPDATE outbox SET created_at = 0").run();
      await shop.outbox.sweep();
      const refunds = [...shop.ledger.taken.values()].filter(
        ({ name }) => name === "refund_payment",
      );
      expect(refunds, `${when} ${at}`).toHaveLength(1);
      expect(await rows("SELECT template FROM emails WHERE task_id = 'order:123'")).toHaveLength(1);
    }
    if (!hasStruck) break;
    points += 1;
  }
  expect(points).toBeGreaterThan(3);
});

it("an owner's list has their orders alone, the newest first, page by page, by state or not", async () => {
  const shop = createShop();
  await env.DB.batch(
    Array.from({ length: 60 }, (_, n) =>
      env.DB.prepare(
        `INSERT INTO orders (id, owner, user_id, amount_minor, currency, customer_email, state,
           email_task_id, payment_task_id, created_at) VALUES (?, ?, 1, 1, 'USD', 'a@b.cc', ?, '', '', ?)`,
        // Three each at the same time.
      ).bind(
        `o-${n}`,
        n % 4 === 0 ? "other" : "shop",
        n % 2 === 0 ? "paid" : "pending",
        Math.floor(n / 3),
      ),
    ),
  );
  for (const state of [null, "paid"] as const) {
    const seen: string[] = [];
    let after: { createdAt: number; id: string } | null = null;
    for (let page = 0; page < 20; page += 1) {
      const found = await listOrders(shop.db, { owner: "shop", state, after, limit: 7 });
      seen.push(...found.map(({ id }) => id));
      after = found.at(-1) ?? null;
      if (after === null) break;
    }
    const expected = await rows<{ id: string }>(
      `SELECT id FROM orders WHERE owner = 'shop' AND (?1 IS NULL OR state = ?1)
        ORDER BY created_at DESC, id DESC`,
      state,
    );
    expect(seen).toEqual(expected.map(({ id }) => id));
  }
});

it("the list is read from its index alone, without sorting", async () => {
  const plan = await rows<{ detail: string }>(
    `EXPLAIN QUERY PLAN SELECT * FROM orders WHERE owner = ? AND state = ?
      AND (created_at, id) < (?, ?) ORDER BY created_at DESC, id DESC LIMIT 50`,
    ...["shop", "paid", 1, "o"],
  );
  expect(plan.map(({ detail }) => detail)).toEqual([
    expect.stringMatching(
      /^SEARCH orders USING INDEX orders_listed \(owner=\? AND state=\? AND \(created_at,id\)</,
    ),
  ]);
});

type Shop = ReturnType<typeof createShop>;

async function paid(shop: Shop, orderId: string): Promise<void> {
  await shop.create({ orderId });
  await run(shop.services, "process_payment", [{ kwargs: { order_id: orderId } }]);
}

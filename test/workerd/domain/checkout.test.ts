import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import { Faults, faultyDatabase } from "./faults.ts";
import { createShop, emptyTables, MemoryLedger, rows } from "./shop.ts";

beforeEach(emptyTables);

it("a created order has set off its mail and its payment", async () => {
  const shop = createShop();
  const answer = await shop.create({ orderId: "123" });
  await shop.settled();
  expect(answer).toMatchObject({ kind: "created", order: { id: "123", state: "pending" } });
  const tasks = [...shop.ledger.taken.values()];
  expect(tasks.map(({ id, name, queue, kwargs }) => ({ id, name, queue, kwargs }))).toEqual([
    {
      id: (await storedOrder()).email_task_id,
      name: "send_order_confirmation_email",
      queue: "emails",
      kwargs: '{"order_id":"123","customer_email":"customer@example.com"}',
    },
    {
      id: (await storedOrder()).payment_task_id,
      name: "process_payment",
      queue: "payments",
      kwargs: '{"order_id":"123"}',
    },
  ]);
  expect(await rows("SELECT id FROM outbox")).toEqual([]);
});

it("the tasks carry fingerprints, so that a second relay is recognised", async () => {
  const shop = createShop();
  await shop.create({ orderId: "123" });
  await shop.settled();
  for (const task of shop.ledger.taken.values()) expect(task.fingerprint).toMatch(/^[0-9a-f]{64}$/);
});

it("the answer does not wait for the ledger", async () => {
  const ledger = new MemoryLedger();
  ledger.gate = () => new Promise(() => undefined);
  const answer = await createShop({ ledger }).create({ orderId: "123" });
  expect(answer.kind).toBe("created");
  expect(await outboxIds()).toHaveLength(2);
});

it("an order costs four rows: itself, its place in the order of time, two tasks", async () => {
  let written = 0;
  const counting = {
    prepare: (query: string) => env.DB.prepare(query),
    async batch(statements: D1PreparedStatement[]) {
      const results = await env.DB.batch(statements);
      for (const { meta } of results) written += meta.rows_written;
      return results;
    },
  } as unknown as D1Database;
  await createShop({ database: counting }).create({ orderId: "123" });
  expect(written).toBe(4);
});

it("the same order again answers the first one and sets nothing off", async () => {
  const shop = createShop();
  await shop.create({ orderId: "123" });
  await shop.settled();
  const answer = await shop.create({ orderId: "123" });
  await shop.settled();
  expect(answer).toMatchObject({
    kind: "same",
    order: { emailTaskId: (await storedOrder()).email_task_id },
  });
  expect(shop.ledger.taken.size).toBe(2);
  expect(await outboxIds()).toEqual([]);
});

it("an order's id with other content, or of another owner, is a conflict and leaves nothing", async () => {
  const shop = createShop();
  await shop.create({ orderId: "123" });
  await shop.settled();
  const before = await storedOrder();
  for (const [change, owner] of [
    [{ amountMinor: 1 }, "shop"],
    [{ currency: "EUR" }, "shop"],
    [{ customerEmail: "other@example.com" }, "shop"],
    [{ locale: "ru" as const }, "shop"],
    [{ userId: 2 }, "shop"],
    [{}, "another"],
  ] as const) {
    expect(await shop.create({ orderId: "123", ...change }, owner)).toEqual({ kind: "conflict" });
  }
  await shop.settled();
  expect(await storedOrder()).toEqual(before);
  expect(shop.ledger.taken.size).toBe(2);
  expect(await outboxIds()).toEqual([]);
});

it("of many identical requests at once one creates the order", async () => {
  const shop = createShop();
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => shop.create({ orderId: "123" })),
  );
  await shop.settled();
  expect(answers.map(({ kind }) => kind).sort()).toEqual(["created", ...Array(9).fill("same")]);
  const ids = answers.map((answer) =>
    answer.kind === "conflict" ? null : answer.order.emailTaskId,
  );
  expect(new Set(ids).size).toBe(1);
  expect(shop.ledger.taken.size).toBe(2);
  expect(await outboxIds()).toEqual([]);
});

it("arguments that no task takes write nothing", async () => {
  const shop = createShop();
  const wrong = shop.create({ orderId: 123 as unknown as string });
  await expect(wrong).rejects.toThrow("order_id");
  expect(await rows("SELECT id FROM orders")).toEqual([]);
  expect(await outboxIds()).toEqual([]);
});

it("a crash at any call leaves the order with both tasks or nothing, and a repeat mends it", async () => {
  let points = 0;
  for (let at = 1; ; at += 1) {
    let struck = false;
    for (const when of ["before", "after"] as const) {
      await emptyTables();
      const faults = new Faults({ at, when });
      const ledger = new MemoryLedger();
      const broken = createShop({ database: faultyDatabase(env.DB, faults), ledger });
      await broken.create({ orderId: "123" }).catch(() => null);
      await broken.settled();
      struck = faults.struck;
      await expectWhole(ledger);
      const shop = createShop({ ledger });
      const answer = await shop.create({ orderId: "123" });
      await shop.settled();
      expect(["created", "same"]).toContain(answer.kind);
      await sweepAll(shop);
      expect(ledger.taken.size, `tasks after ${when} ${at}`).toBe(2);
      expect([...ledger.taken.keys()].sort()).toEqual(await taskIdsOfOrder());
    }
    if (!struck) break;
    points += 1;
  }
  expect(points).toBeGreaterThan(2);
});

it("a ledger that can't be reached does not fail the order; the sweep relays it", async () => {
  const ledger = new MemoryLedger();
  ledger.gate = () => Promise.reject(new Error("down"));
  const shop = createShop({ ledger });
  expect((await shop.create({ orderId: "123" })).kind).toBe("created");
  await shop.settled();
  expect(await outboxIds()).toHaveLength(2);
  ledger.gate = () => Promise.resolve();
  await sweepAll(shop);
  expect([...ledger.taken.keys()].sort()).toEqual(await taskIdsOfOrder());
  expect(await outboxIds()).toEqual([]);
});

it("the answer has the order as it is stored", async () => {
  const shop = createShop();
  const answer = await shop.create({ orderId: "123", locale: "ru" });
  const again = await shop.create({ orderId: "123", locale: "ru" });
  expect(again).toEqual({ ...answer, kind: "same" });
});

interface OrderRow {
  readonly email_task_id: string;
  readonly payment_task_id: string;
}

async function storedOrder(): Promise<OrderRow> {
  const [order] = await rows<OrderRow>("SELECT * FROM orders WHERE id = '123'");
  if (order === undefined) throw new Error("There is no order.");
  return order;
}

async function taskIdsOfOrder(): Promise<string[]> {
  const order = await storedOrder();
  return [order.email_task_id, order.payment_task_id].sort();
}

async function outboxIds(): Promise<string[]> {
  return (await rows<{ id: string }>("SELECT id FROM outbox ORDER BY id")).map(({ id }) => id);
}

/** The order exists if and only if its tasks do, in the outbox or in the ledger. */
async function expectWhole(ledger: MemoryLedger): Promise<void> {
  const known = [...new Set([...(await outboxIds()), ...ledger.taken.keys()])].sort();
  const orders = await rows<OrderRow>("SELECT * FROM orders");
  const expected = orders.flatMap((order) => [order.email_task_id, order.payment_task_id]).sort();
  expect(known).toEqual(expected);
}

/** As the watchdog does it, later. */
async function sweepAll(shop: ReturnType<typeof createShop>): Promise<void> {
  await env.DB.prepare("UPDATE outbox SET created_at = 0").run();
  await shop.outbox.sweep();
}

import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import { DurableTask } from "./durable.ts";
import { Faults, faultyDatabase } from "./faults.ts";
import { meteredDatabase, Meter, planOf } from "./meter.ts";
import { found, ordered, reconcile, shopIn, states, write, type Report } from "./reconcile-rig.ts";
import { createShop, emptyTables, rows } from "./shop.ts";

beforeEach(emptyTables);

/** One that is mended, one whose order was cancelled, one that is not, one that is refunded, one of nobody. */
async function differing(): Promise<void> {
  for (const id of ["lost", "cancelled", "gone", "back"]) await ordered(id);
  await write(
    "UPDATE payments SET state = 'charging', reference = NULL WHERE order_id = 'lost'",
    "UPDATE orders SET state = 'pending' WHERE id = 'lost'",
    "UPDATE payments SET state = 'voided' WHERE order_id = 'cancelled'",
    "UPDATE orders SET state = 'cancelled', cancelled_at = 1 WHERE id = 'cancelled'",
    "UPDATE simulated_charges SET captures = 0 WHERE order_id = 'gone'",
    "INSERT INTO simulated_refunds VALUES ('order:back:0', 'by hand', 15000, 1, 1)",
    `INSERT INTO simulated_charges (idempotency_key, order_id, amount_minor, currency, requests,
      captures, created_at) VALUES ('stranger', 'nobodys', 100, 'USD', 1, 1, ${Date.now()})`,
    // Only the last days are compared then.
    `INSERT INTO payment_reconciliations VALUES (${Date.now()}, 0, 'yesterday', 0, 0, 0, 0, 0)`,
  );
}

/** Everything as it is, to be brought back. */
async function snapshot(): Promise<() => Promise<void>> {
  const tables = ["orders", "payments", "payment_reconciliations", "outbox"];
  tables.push("simulated_charges", "simulated_refunds");
  const inserts = await Promise.all(
    tables.map(async (table) => {
      const all = await rows(`SELECT * FROM ${table}`);
      return all.map((row) => {
        const values = Object.values(row);
        const places = values.map(() => "?").join();
        return env.DB.prepare(`INSERT INTO ${table} VALUES (${places})`).bind(...values);
      });
    }),
  );
  return async () => {
    await emptyTables();
    await env.DB.batch(inserts.flat());
  };
}

async function outcome(report: Report) {
  const { from: _from, until: _until, ...counts } = report;
  const told = await rows<{ spec: string }>("SELECT spec FROM outbox");
  return {
    counts,
    found: await found(),
    states: await Promise.all(["lost", "cancelled", "gone", "back"].map(states)),
    notices: told.filter(({ spec }) => spec.includes("send_admin_notification")).length,
    refunds: told.filter(({ spec }) => spec.includes("refund_payment")).length,
    mails: await rows("SELECT template, count(*) AS count FROM emails GROUP BY template"),
    runs: await rows("SELECT count(*) AS count FROM payment_reconciliations"),
  };
}

it("a run that dies at any call goes on, and reports and mends the same", async () => {
  await differing();
  const bringBack = await snapshot();
  const right = await outcome(await reconcile());
  expect(right).toMatchObject({
    counts: { checked_charges: 5, differences: 5, mended: 3, new: 2 },
    states: [
      ["paid", "captured"],
      ["cancelled", "refunding"],
      ["paid", "captured"],
      ["refunded", "refunded"],
    ],
    ...{ notices: 1, refunds: 1, runs: [{ count: 2 }] },
  });
  let points = 0;
  for (let at = 1; ; at += 1) {
    let hasStruck = false;
    for (const when of ["before", "after"] as const) {
      await bringBack();
      const faults = new Faults({ at, when });
      const task = new DurableTask();
      const broken = shopIn(1, { database: faultyDatabase(env.DB, faults) });
      const first = await reconcile(broken, task).catch(() => null);
      hasStruck = faults.struck;
      const report = first ?? (await reconcile(shopIn(1), task));
      expect(await outcome(report), `${when} ${at}`).toEqual(right);
    }
    if (!hasStruck) break;
    points += 1;
  }
  expect(points).toBeGreaterThan(40);
}, 240_000);

/** Orders of today, paid on both sides, a minute after midnight of their creation. */
async function manyOrders(count: number): Promise<void> {
  const at = Date.now();
  const numbers = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`;
  await write(
    `${numbers} INSERT INTO orders (id, owner, user_id, amount_minor, currency, customer_email, state,
        email_task_id, payment_task_id, created_at)
      SELECT 'o' || i, 'shop', 1, 15000, 'USD', 'a@example.com', 'paid', '', '', ${at} - i FROM n`,
    `${numbers} INSERT INTO payments (order_id, state, task_id, provider, reference, declines, updated_at)
      SELECT 'o' || i, 'captured', '', 'simulated', 'sim_order:o' || i || ':0', 0, ${at} FROM n`,
    `${numbers} INSERT INTO simulated_charges (idempotency_key, order_id, amount_minor, currency, requests,
        captures, created_at)
      SELECT 'order:o' || i || ':0', 'o' || i, 15000, 'USD', 1, 1, ${at} FROM n`,
  );
}

it("of 5,000 charges that agree it asks page by page, and writes one row", async () => {
  await manyOrders(5_000);
  const meter = new Meter();
  // Its own book the simulated gateway reads whole, for every page.
  const { gateway } = shopIn(1).services;
  const database = meteredDatabase(env.DB, meter);
  const report = await reconcile(shopIn(1, { database, services: { gateway } }));
  expect(report).toMatchObject({
    ...{ checked_charges: 5_000, checked_payments: 5_000, differences: 0 },
  });
  expect(meter.statements.length).toBeLessThan(200);
  expect(meter.rowsWritten).toBe(1);
  expect(meter.rowsRead).toBeLessThan(45_000);
  const joined = meter.statements.find(({ query }) => query.includes("LEFT JOIN payments"));
  const plan = joined === undefined ? [] : await planOf(env.DB, joined);
  expect(plan.join("\n")).toContain("orders_created");
  expect(plan.join("\n")).not.toMatch(/SCAN|TEMP B-TREE/);
}, 60_000);

it("however much differs, no run of it asks the database more often than an invocation may", async () => {
  await manyOrders(1_000);
  await write("UPDATE simulated_charges SET captures = 0 WHERE order_id LIKE 'o%5'");
  await write(
    "UPDATE payments SET state = 'charging' WHERE order_id LIKE 'o%7'",
    "UPDATE orders SET state = 'pending' WHERE id LIKE 'o%7'",
  );
  const faults = new Faults();
  const task = new DurableTask();
  const counts: number[] = [];
  let before = 0;
  task.slept = () => {
    counts.push(faults.calls - before);
    before = faults.calls;
  };
  const report = await reconcile(shopIn(1, { database: faultyDatabase(env.DB, faults) }), task);
  expect(report).toMatchObject({ differences: 200, mended: 100, new: 100 });
  expect(counts.length).toBeGreaterThan(3);
  expect(Math.max(...counts)).toBeLessThan(700);
}, 120_000);

it("a run that is too long for one task goes on in another, and ends with the whole report", async () => {
  await manyOrders(10_200);
  const before = Date.now() - 20 * 86_400_000;
  await write(
    `UPDATE simulated_charges SET created_at = ${before} WHERE order_id NOT LIKE 'o%00'`,
    `UPDATE orders SET created_at = ${before} WHERE id NOT LIKE 'o%00'`,
  );
  const shop = shopIn(1);
  const task = new DurableTask();
  const first = await reconcile(shop, task);
  expect(first).toMatchObject({ finished: false });
  expect(await reconcile(shop, task)).toEqual(first);
  const calls = [...shop.ledger.taken.values()];
  expect(calls.map(({ name }) => name)).toEqual(["reconcile_payments"]);
  const params = JSON.parse(calls[0]?.kwargs ?? "{}") as object;
  expect(await reconcile(createShop(), new DurableTask(), params)).toMatchObject({
    ...{ finished: true, from: first.from, until: first.until },
    ...{ checked_charges: 10_200, checked_payments: 10_200, differences: 0 },
  });
}, 120_000);

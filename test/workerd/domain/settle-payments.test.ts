import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import {
  expectCharges,
  PaymentUnavailableError,
  paymentTasks,
  type PaymentGateway,
} from "#domain/payments";
import { DurableTask } from "./durable.ts";
import { Faults, faultyDatabase } from "./faults.ts";
import { Meter, meteredDatabase, planOf } from "./meter.ts";
import { ordered, shopIn, states, write, type Shop } from "./reconcile-rig.ts";
import { createShop, emptyTables, rows, run } from "./shop.ts";

beforeEach(emptyTables);

const [, , , settleUnknownPayments] = paymentTasks;
const MINUTES = 1 / 60;

function settle(shop: Shop = shopIn(6 * MINUTES), params: object = {}) {
  return new DurableTask().run(settleUnknownPayments, { after: "", ...params }, shop);
}

/** The gateway whose answers get lost after they took effect. */
function mute(gateway: PaymentGateway): PaymentGateway {
  const lost = async (call: Promise<unknown>): Promise<never> => {
    await call;
    throw new PaymentUnavailableError("No answer.");
  };
  return {
    ...gateway,
    charge: (...args) => lost(gateway.charge(...args)),
    refund: (...args) => lost(gateway.refund(...args)),
  };
}

const { gateway } = createShop().services;

it("a charge whose answer was lost and whose task is dead pays its order", async () => {
  await ordered("1", 15_000, mute(gateway));
  expect(await states("1")).toEqual(["pending", "charging"]);
  expect(await settle()).toEqual({ asked: 1, settled: 1, reachable: true });
  expect(await states("1")).toEqual(["paid", "captured"]);
  expect(await settle()).toEqual({ asked: 0, settled: 0, reachable: true });
});

it("a decline whose answer was lost fails its order", async () => {
  await ordered("1", 15_001, mute(gateway));
  expect(await settle()).toMatchObject({ settled: 1 });
  expect(await states("1")).toEqual(["payment_failed", "declined"]);
});

it("a refund whose answer was lost is written", async () => {
  const shop = await ordered("1");
  await shop.change("1", "cancel");
  const services = { ...shop.services, gateway: mute(gateway) };
  await run(services, "refund_payment", [{ kwargs: { order_id: "1" } }]);
  expect(await states("1")).toEqual(["cancelled", "refunding"]);
  expect(await settle()).toMatchObject({ settled: 1 });
  expect(await states("1")).toEqual(["refunded", "refunded"]);
});

it("a charge that nothing was taken for stays with its task, and is not charged", async () => {
  const charge = () => Promise.reject(new PaymentUnavailableError("Not now."));
  await ordered("1", 15_000, { ...gateway, charge });
  expect(await settle()).toEqual({ asked: 1, settled: 0, reachable: true });
  expect(await states("1")).toEqual(["pending", "charging"]);
  expect(await rows("SELECT captures FROM simulated_charges")).toEqual([{ captures: 0 }]);
});

it("what began less than five minutes ago is left to its task", async () => {
  await ordered("1", 15_000, mute(gateway));
  expect(await settle(shopIn(4 * MINUTES))).toMatchObject({ asked: 0 });
});

it("after a restore a charge that was made since is found by its key", async () => {
  const shop = await ordered("1");
  await shop.create({ orderId: "2" });
  await write("DELETE FROM payments", "UPDATE orders SET state = 'pending'");
  await expectCharges(shop.services);
  expect(await rows("SELECT state, reference FROM payments")).toEqual([
    { state: "charging", reference: null },
    { state: "charging", reference: null },
  ]);
  expect(await settle()).toEqual({ asked: 2, settled: 1, reachable: true });
  expect(await states("1")).toEqual(["paid", "captured"]);
  expect(await states("2")).toEqual(["pending", "charging"]);
});

it("one that a person has to look at keeps no other back", async () => {
  await ordered("1", 15_000, mute(gateway));
  await ordered("2", 15_000, mute(gateway));
  await write("UPDATE simulated_charges SET amount_minor = 1 WHERE order_id = '1'");
  expect(await settle()).toEqual({ asked: 2, settled: 1, reachable: true });
});

it("a gateway that is down is asked again by the next run, and no more by this one", async () => {
  for (let id = 1; id <= 12; id += 1) await ordered(String(id), 15_000, mute(gateway));
  let asked = 0;
  const lookUp = () => {
    asked += 1;
    return Promise.reject(new PaymentUnavailableError("It is down."));
  };
  const shop = shopIn(6 * MINUTES, { services: { gateway: { ...gateway, lookUp } } });
  expect(await settle(shop)).toEqual({ asked: 12, settled: 0, reachable: false });
  expect(asked).toBe(10);
});

it("one charge that nothing can be learned of holds up none of the others", async () => {
  for (let id = 101; id <= 112; id += 1) await ordered(String(id), 15_000, mute(gateway));
  const lookUp = (reference: string) =>
    reference.includes("101")
      ? Promise.reject(new PaymentUnavailableError("Not decided."))
      : gateway.lookUp(reference);
  const shop = shopIn(6 * MINUTES, { services: { gateway: { ...gateway, lookUp } } });
  expect(await settle(shop)).toEqual({ asked: 12, settled: 11, reachable: true });
});

it("a crash at any call leaves what the next run settles", async () => {
  let points = 0;
  for (let at = 1; ; at += 1) {
    let hasStruck = false;
    for (const when of ["before", "after"] as const) {
      await emptyTables();
      await ordered("1", 15_000, mute(gateway));
      await write("UPDATE payments SET reference = NULL");
      const faults = new Faults({ at, when });
      const broken = shopIn(6 * MINUTES, { database: faultyDatabase(env.DB, faults) });
      await settle(broken).catch(() => null);
      hasStruck = faults.struck;
      await settle(shopIn(12 * MINUTES));
      expect(await states("1"), `${when} ${at}`).toEqual(["paid", "captured"]);
    }
    if (!hasStruck) break;
    points += 1;
  }
  expect(points).toBeGreaterThan(5);
}, 60_000);

/** Payments of orders that wait, begun an hour ago. */
async function manyUnsettled(count: number): Promise<void> {
  const numbers = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`;
  const at = Date.now();
  await write(
    `${numbers} INSERT INTO orders (id, owner, user_id, amount_minor, currency, customer_email, state,
        email_task_id, payment_task_id, created_at)
      SELECT printf('o%04d', i), 'shop', 1, 15000, 'USD', 'a@example.com', 'pending', '', '', ${at} FROM n`,
    `${numbers} INSERT INTO payments (order_id, state, task_id, provider, reference, declines, updated_at)
      SELECT printf('o%04d', i), 'charging', '', 'simulated', 'sim_' || printf('order:o%04d:0', i), 0,
        ${at} FROM n`,
    `${numbers} INSERT INTO simulated_charges (idempotency_key, order_id, amount_minor, currency, requests,
        captures, created_at)
      SELECT printf('order:o%04d:0', i), printf('o%04d', i), 15000, 'USD', 1, 1, ${at} FROM n`,
  );
}

it("of many it settles 60 with bounded queries, and calls itself for the rest", async () => {
  await manyUnsettled(70);
  const faults = new Faults();
  const shop = shopIn(1, { database: faultyDatabase(env.DB, faults) });
  expect(await settle(shop)).toMatchObject({ asked: 60, settled: 60 });
  expect(faults.calls).toBeLessThan(800);
  const [call] = shop.ledger.taken.values();
  expect(call?.name).toBe("settle_unknown_payments");
  const params = JSON.parse(call?.kwargs ?? "{}") as object;
  expect(await settle(shop, params)).toEqual({ asked: 10, settled: 10, reachable: true });
});

it("it reads none of the payments that are settled", async () => {
  await manyUnsettled(500);
  await write("UPDATE payments SET state = 'captured'");
  const meter = new Meter();
  await settle(shopIn(1, { database: meteredDatabase(env.DB, meter) }));
  expect(meter.rowsRead).toBeLessThan(5);
  const [query] = meter.statements;
  const plan = query === undefined ? [] : await planOf(env.DB, query);
  expect(plan.join("\n")).toContain("payments_unsettled");
});

it("the index of what is unsettled costs a payment one row when it begins, and none after", async () => {
  const written = async (statement: string) =>
    (await env.DB.prepare(statement).run()).meta.rows_written;
  const begun = await written(
    "INSERT INTO payments VALUES ('1', 'charging', 't', 'simulated', NULL, NULL, 0, 1, 0, NULL)",
  );
  const stored = await written("UPDATE payments SET reference = 'r', updated_at = 2");
  const captured = await written("UPDATE payments SET state = 'captured', updated_at = 3");
  expect([begun, stored, captured]).toEqual([2, 1, 1]);
});

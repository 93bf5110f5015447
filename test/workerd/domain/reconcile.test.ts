import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import { PaymentUnavailableError, resolveDifference } from "#domain/payments";
import { DurableTask } from "./durable.ts";
import { found, ordered, reconcile, shopIn, states, write } from "./reconcile-rig.ts";
import { Meter, meteredDatabase } from "./meter.ts";
import { createShop, emptyTables, rows, run } from "./shop.ts";
import { StripeAccount } from "./stripe-account.ts";

beforeEach(emptyTables);

const CHARGE =
  "INSERT INTO simulated_charges (idempotency_key, order_id, amount_minor, currency, requests, captures, created_at)";
const now = () => Date.now();

it("books that agree have no differences, wherever orders and payments stand", async () => {
  await ordered("paid");
  await ordered("declined", 15_001);
  const cancelled = await ordered("cancelled");
  await cancelled.change("cancelled", "cancel");
  await run(cancelled.services, "refund_payment", [{ kwargs: { order_id: "cancelled" } }]);
  await cancelled.create({ orderId: "waits" });
  expect(await reconcile()).toMatchObject({
    ...{ checked_charges: 3, checked_payments: 2, differences: 0, mended: 0, new: 0 },
    finished: true,
  });
  expect(await found()).toEqual([]);
});

const UNPAID = "UPDATE orders SET state = 'pending'";
const CASES: readonly {
  readonly kind: string;
  readonly name: string;
  readonly statements: readonly string[];
  readonly isMended: boolean;
  readonly states: readonly (string | null)[];
}[] = [
  {
    kind: "captured_only_there",
    name: "a capture that the shop did not hear of",
    statements: ["UPDATE payments SET state = 'charging'", UNPAID],
    isMended: true,
    states: ["paid", "captured"],
  },
  {
    kind: "captured_only_there",
    name: "a capture whose reference was lost",
    statements: ["UPDATE payments SET state = 'charging', reference = NULL", UNPAID],
    isMended: true,
    states: ["paid", "captured"],
  },
  {
    kind: "captured_only_there",
    name: "a capture of a cancelled order",
    statements: [
      "UPDATE payments SET state = 'voided'",
      "UPDATE orders SET state = 'cancelled', cancelled_at = 1",
    ],
    isMended: true,
    states: ["cancelled", "refunding"],
  },
  {
    kind: "captured_only_there",
    name: "a capture after a decline, of a cancelled order",
    statements: [
      "UPDATE payments SET state = 'declined', declines = 1",
      "UPDATE orders SET state = 'cancelled', cancelled_at = 1",
    ],
    isMended: true,
    states: ["cancelled", "refunding"],
  },
  {
    kind: "captured_only_there",
    name: "a capture of an order without a payment",
    statements: ["DELETE FROM payments", UNPAID],
    isMended: false,
    states: ["pending", null],
  },
  {
    kind: "captured_only_there",
    name: "a capture after a decline",
    statements: [
      "UPDATE payments SET state = 'declined', declines = 1",
      "UPDATE orders SET state = 'payment_failed'",
    ],
    isMended: false,
    states: ["payment_failed", "declined"],
  },
  {
    kind: "captured_only_here",
    name: "a payment that the gateway took nothing for",
    statements: ["UPDATE simulated_charges SET captures = 0"],
    isMended: false,
    states: ["paid", "captured"],
  },
  {
    kind: "captured_only_here",
    name: "a payment that the gateway has no charge of",
    statements: ["DELETE FROM simulated_charges"],
    isMended: false,
    states: ["paid", "captured"],
  },
  {
    kind: "captured_twice",
    name: "a second charge of the order",
    statements: [`${CHARGE} VALUES ('order:1:again', '1', 15000, 'USD', 1, 1, ${now()})`],
    isMended: false,
    states: ["paid", "captured"],
  },
  {
    kind: "other_amount",
    name: "another amount",
    statements: ["UPDATE simulated_charges SET amount_minor = 14900"],
    isMended: false,
    states: ["paid", "captured"],
  },
  {
    kind: "other_amount",
    name: "another amount for an order that waits",
    statements: [
      "UPDATE simulated_charges SET amount_minor = 14900",
      "UPDATE payments SET state = 'charging'",
      UNPAID,
    ],
    isMended: false,
    states: ["pending", "charging"],
  },
  {
    kind: "other_currency",
    name: "another currency",
    statements: ["UPDATE simulated_charges SET currency = 'EUR'"],
    isMended: false,
    states: ["paid", "captured"],
  },
  {
    kind: "refunded_only_there",
    name: "a refund that was made at the gateway",
    statements: ["INSERT INTO simulated_refunds VALUES ('order:1:0', 'by hand', 15000, 1, 1)"],
    isMended: true,
    states: ["refunded", "refunded"],
  },
  {
    kind: "partly_refunded",
    name: "a refund of a part",
    statements: ["INSERT INTO simulated_refunds VALUES ('order:1:0', 'by hand', 1000, 1, 1)"],
    isMended: false,
    states: ["paid", "captured"],
  },
  {
    kind: "refunded_only_here",
    name: "a refund that the gateway never made",
    statements: [
      "UPDATE payments SET state = 'refunded'",
      "UPDATE orders SET state = 'refunded', refunded_at = 1",
    ],
    isMended: false,
    states: ["refunded", "refunded"],
  },
  {
    kind: "unknown_order",
    name: "a charge of no order of ours",
    statements: [`${CHARGE} VALUES ('stranger', 'nobodys', 100, 'USD', 1, 1, ${now()})`],
    isMended: false,
    states: ["paid", "captured"],
  },
  {
    kind: "unknown_outcome",
    name: "a charge that nothing was taken for",
    statements: [
      "UPDATE simulated_charges SET captures = 0",
      "UPDATE payments SET state = 'charging'",
      UNPAID,
    ],
    isMended: false,
    states: ["pending", "charging"],
  },
  {
    kind: "unknown_outcome",
    name: "a charge that was declined",
    statements: [
      "UPDATE simulated_charges SET captures = 0, is_canceled = 1",
      "UPDATE payments SET state = 'charging'",
      UNPAID,
    ],
    isMended: true,
    states: ["payment_failed", "declined"],
  },
  {
    kind: "unknown_outcome",
    name: "a refund that never came",
    statements: ["UPDATE payments SET state = 'refunding'"],
    isMended: false,
    states: ["paid", "refunding"],
  },
  {
    kind: "unknown_outcome",
    name: "a refund whose answer was lost",
    statements: [
      "UPDATE payments SET state = 'refunding'",
      "INSERT INTO simulated_refunds VALUES ('order:1:0', 'refund:1:0', 15000, 1, 1)",
    ],
    isMended: true,
    states: ["refunded", "refunded"],
  },
  {
    kind: "paid_without_payment",
    name: "an order that counts as paid",
    statements: ["DELETE FROM simulated_charges", "DELETE FROM payments"],
    isMended: false,
    states: ["paid", null],
  },
];

it.each(CASES)("$name is told as $kind", async (example) => {
  await ordered("1");
  await ordered("bystander");
  await write(...example.statements.map((statement) => ofFirst(statement)));
  const report = await reconcile();
  const { kind, isMended } = example;
  expect(report).toMatchObject({
    ...{ differences: 1, mended: Number(isMended), new: Number(!isMended) },
  });
  expect(await found()).toEqual([
    { kind, is_mended: Number(isMended), is_open: Number(!isMended) },
  ]);
  expect(await states("1")).toEqual(example.states);
  expect(await states("bystander")).toEqual(["paid", "captured"]);
  // Found again, also when what is under way has come to rest.
  const again = await reconcile(shopIn(3));
  const isLeft = example.states[1] === "refunding" ? 1 : Number(!isMended);
  expect(again).toMatchObject({ differences: isLeft, mended: 0 });
});

/** Only the first order is touched. */
function ofFirst(statement: string): string {
  if (statement.startsWith("INSERT")) return statement;
  const column = / orders /.test(statement) ? "id" : "order_id";
  return `${statement} WHERE ${column} = '1'`;
}

it("an order that waits for a day and whose payment nobody began, its task being gone, is told of", async () => {
  const shop = createShop();
  await shop.create({ orderId: "lost" });
  expect(await reconcile(shopIn(24))).toMatchObject({ differences: 0 });
  expect(await reconcile(shopIn(25))).toMatchObject({ differences: 1, mended: 0, new: 1 });
  expect(await reconcile(shopIn(49))).toMatchObject({ differences: 1, new: 0 });
  expect(await found()).toEqual([{ kind: "never_charged", is_mended: 0, is_open: 1 }]);
  await run(shop.services, "process_payment", [{ kwargs: { order_id: "lost" } }]);
  expect(await reconcile(shopIn(73))).toMatchObject({ differences: 0 });
  expect(await states("lost")).toEqual(["paid", "captured"]);
  expect(await found()).toEqual([{ kind: "never_charged", is_mended: 0, is_open: 0 }]);
});

it("what is under way is left to its task", async () => {
  await ordered("1");
  await write(
    "UPDATE payments SET state = 'charging'",
    UNPAID,
    `UPDATE payments SET updated_at = ${now() + 50 * 60_000}`,
  );
  expect(await reconcile()).toMatchObject({ differences: 0 });
  expect(await states("1")).toEqual(["pending", "charging"]);
});

it("the same difference found the next night is one row, and admins are told of it once", async () => {
  await ordered("1");
  await write("UPDATE simulated_charges SET captures = 0");
  const first = shopIn(1);
  expect(await reconcile(first)).toMatchObject({ differences: 1, new: 1 });
  expect(await reconcile(shopIn(25))).toMatchObject({ differences: 1, new: 0 });
  const [row] = await rows<Record<string, number>>("SELECT * FROM payment_differences");
  expect(row?.["last_seen_at"]).toBeGreaterThan((row?.["first_seen_at"] ?? 0) + 23 * 3_600_000);
  const told = await rows<{ spec: string }>("SELECT spec FROM outbox");
  const notices = told.filter(({ spec }) => spec.includes("send_admin_notification"));
  expect(notices).toHaveLength(1);
  expect(notices[0]?.spec).toContain("captured_only_here: 1");
});

it("with other figures it is another difference, and the old one is resolved", async () => {
  await ordered("1");
  await write("INSERT INTO simulated_refunds VALUES ('order:1:0', 'by hand', 1000, 1, 1)");
  await reconcile();
  await write("INSERT INTO simulated_refunds VALUES ('order:1:0', 'again', 1000, 1, 1)");
  expect(await reconcile(shopIn(25))).toMatchObject({ differences: 1, new: 1 });
  expect(
    await rows(
      "SELECT refunded_minor, resolved_at IS NULL AS is_open FROM payment_differences ORDER BY refunded_minor",
    ),
  ).toEqual([
    { refunded_minor: 1_000, is_open: 0 },
    { refunded_minor: 2_000, is_open: 1 },
  ]);
});

it("a difference that is gone is resolved, however long ago its charge was made, and opens again", async () => {
  await ordered("1");
  await write(`${CHARGE} VALUES ('order:1:again', '1', 15000, 'USD', 1, 1, ${now()})`);
  await reconcile();
  expect(await reconcile(shopIn(24 * 60))).toMatchObject({ checked_charges: 2, differences: 1 });
  expect(await reconcile(shopIn(24 * 90))).toMatchObject({ checked_charges: 0, differences: 1 });
  await write("INSERT INTO simulated_refunds VALUES ('order:1:again', 'by hand', 15000, 1, 1)");
  expect(await reconcile(shopIn(24 * 91))).toMatchObject({ differences: 0 });
  expect(await found()).toEqual([{ kind: "captured_twice", is_mended: 0, is_open: 0 }]);
  await write("DELETE FROM simulated_refunds");
  const late = shopIn(24 * 92);
  expect(await reconcile(late, new DurableTask(), { days: 120 })).toMatchObject({
    ...{ differences: 1, new: 1 },
  });
  expect(await found()).toEqual([{ kind: "captured_twice", is_mended: 0, is_open: 1 }]);
});

it("what a person resolved stays resolved, though it is found again", async () => {
  await ordered("1");
  await write("UPDATE simulated_charges SET captures = 0");
  const shop = shopIn(1);
  await reconcile(shop);
  const [row] = await rows<{ id: string }>("SELECT id FROM payment_differences");
  await resolveDifference(shop.db, row?.id ?? "", { by: "me", note: "Written off.", now: 1 });
  expect(await reconcile(shopIn(25))).toMatchObject({ differences: 1, new: 0 });
  expect(await rows("SELECT resolved_by, resolved_at, note FROM payment_differences")).toEqual([
    { resolved_by: "me", resolved_at: 1, note: "Written off." },
  ]);
});

it("a run compares what was since the last one and two days more, and the first one 30 days", async () => {
  await ordered("1");
  const first = await reconcile(shopIn(0));
  const day = 86_400_000;
  expect(Date.parse(first.until) - Date.parse(first.from)).toBe(30 * day);
  const second = await reconcile(shopIn(240));
  expect(Date.parse(first.until) - Date.parse(second.from)).toBe(2 * day);
  const third = await reconcile(shopIn(241), new DurableTask(), { days: 100 });
  expect(Date.parse(third.until) - Date.parse(third.from)).toBe(100 * day);
  expect(await rows("SELECT count(*) AS count FROM payment_reconciliations")).toEqual([
    { count: 3 },
  ]);
});

it("payments that another provider took are not looked for in this one's book", async () => {
  await ordered("1");
  await write("UPDATE payments SET provider = 'other'", "DELETE FROM simulated_charges");
  expect(await reconcile()).toMatchObject({ differences: 0, checked_payments: 0 });
});

it("a gateway that is down has the run tried again, and nothing counts as compared", async () => {
  await ordered("1");
  const shop = shopIn(1);
  const list = () => Promise.reject(new PaymentUnavailableError("It is down."));
  const down = createShop({
    services: { ...shop.services, gateway: { ...shop.services.gateway, list } },
  });
  await expect(reconcile(down)).rejects.toThrow("It is down.");
  expect(await rows("SELECT * FROM payment_reconciliations")).toEqual([]);
});

it("what others charge by the same account is no concern of the shop's", async () => {
  await ordered("1");
  const { gateway } = createShop().services;
  const foreign = {
    ...{ reference: "pi_1", idempotencyKey: null, orderId: null, status: "captured" as const },
    ...{ amountMinor: 1, refundedMinor: 0, currency: "USD", createdAt: 0 },
  };
  const list: typeof gateway.list = async (time, cursor) => {
    const { charges, next } = await gateway.list(time, cursor);
    return { charges: [...charges, foreign], next };
  };
  const lookUp: typeof gateway.lookUp = (reference) =>
    reference === foreign.reference ? Promise.resolve(foreign) : gateway.lookUp(reference);
  const shop = shopIn(1, { services: { gateway: { ...gateway, list, lookUp } } });
  expect(await reconcile(shop)).toMatchObject({ differences: 0 });
});

it("payments of another account, as of the test mode before it went live, are told of, one by one", async () => {
  const before = new StripeAccount();
  const shop = createShop({ services: { gateway: before.gateway } });
  await shop.create({ orderId: "1", paymentMethod: "pm_card_visa" });
  await shop.create({ orderId: "2", paymentMethod: "pm_endless" });
  for (const orderId of ["1", "2"]) {
    await run(shop.services, "process_payment", [{ kwargs: { order_id: orderId } }]);
  }
  const live = shopIn(1, { services: { gateway: new StripeAccount().gateway } });
  expect(await reconcile(live)).toMatchObject({ finished: true, differences: 2, mended: 0 });
  expect((await found()).map(({ kind }) => kind)).toEqual([
    ...["captured_only_here", "unknown_outcome"],
  ]);
  expect(await states("1")).toEqual(["paid", "captured"]);
  expect(await states("2")).toEqual(["pending", "charging"]);
});

it("no part of either book is asked for that a busy shop could not answer", async () => {
  const day = 86_400_000;
  const meter = new Meter();
  const { gateway } = createShop().services;
  const spans: number[] = [];
  const list: typeof gateway.list = async (time, cursor) => {
    spans.push(time.until - time.from);
    return gateway.list(time, cursor);
  };
  const database = meteredDatabase(env.DB, meter);
  await reconcile(shopIn(1, { database, services: { gateway: { ...gateway, list } } }));
  expect(Math.max(...spans)).toBeLessThanOrEqual(day);
  const scans = meter.statements
    .filter(({ query }) => query.includes("LEFT JOIN payments"))
    .map(({ values: [from, , to] }) => Number(to) - Number(from));
  expect(scans.length).toBeGreaterThan(30);
  expect(Math.max(...scans)).toBeLessThanOrEqual(4 * day);
});

import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import type { TaskContext } from "#engine";
import {
  expectCharges,
  processPaymentCallback,
  receiveEvent,
  type PaymentEvent,
  type PaymentGateway,
} from "#domain/payments";
import type { ShopServices } from "../../../src/domain/index.ts";
import { Faults, faultyDatabase } from "./faults.ts";
import { createShop, emptyTables, rows, run } from "./shop.ts";

type EventType = PaymentEvent["type"];
const TYPES: readonly EventType[] = ["payment.captured", "payment.declined", "payment.refunded"];

/** Every event alone, every two of them, and all three in every order. */
const SEQUENCES = TYPES.flatMap((first) => [
  [first],
  ...TYPES.map((second) => [first, second]),
  ...TYPES.flatMap((second) => {
    const third = TYPES.find((type) => type !== first && type !== second);
    return second === first || third === undefined ? [] : [[first, second, third]];
  }),
]);

beforeEach(emptyTables);

/** What the gateway's book says of the order in the end, and what that makes of the order. */
const BOOKS: readonly {
  readonly name: string;
  readonly amountMinor: number;
  readonly isCharged: boolean;
  readonly refundedMinor: number;
  readonly order: string;
}[] = [
  { name: "nothing", amountMinor: 15_000, isCharged: false, refundedMinor: 0, order: "pending" },
  { name: "a capture", amountMinor: 15_000, isCharged: true, refundedMinor: 0, order: "paid" },
  {
    name: "a decline",
    amountMinor: 15_001,
    isCharged: true,
    refundedMinor: 0,
    order: "payment_failed",
  },
  {
    name: "a refund",
    amountMinor: 15_000,
    isCharged: true,
    refundedMinor: 15_000,
    order: "refunded",
  },
  {
    name: "a part refund",
    amountMinor: 15_000,
    isCharged: true,
    refundedMinor: 1_000,
    order: "paid",
  },
];

it.each(BOOKS)(
  "whatever comes, how often and in which order: with $name in the gateway's book the order is $order",
  async ({ amountMinor, isCharged, refundedMinor, order }) => {
    for (const events of SEQUENCES) {
      for (const hasOutcome of [true, false]) {
        const shop = createShop();
        const orderId = crypto.randomUUID();
        await shop.create({ orderId, amountMinor });
        await charged(shop, orderId, amountMinor, { isCharged, hasOutcome });
        if (refundedMinor > 0) {
          await shop.services.gateway.refund({
            ...{ idempotencyKey: `back:${orderId}`, reference: `sim_order:${orderId}:0` },
            ...{ amountMinor: refundedMinor, currency: "USD" },
          });
        }
        for (const type of events) {
          const eventId = `${orderId}:${type}`;
          await receive(shop, { id: eventId, type, orderId, amountMinor });
          await apply(shop, eventId);
        }
        const [stored] = await rows<{ state: string }>(
          "SELECT state FROM orders WHERE id = ?",
          orderId,
        );
        expect(stored?.state, `${events.join(", ")}; ${hasOutcome}`).toBe(order);
      }
    }
  },
);

it("a capture that is told of before its task knows pays the order, and the task goes on from there", async () => {
  const shop = createShop();
  await shop.create({ orderId: "123" });
  await charged(shop, "123", 15_000, { isCharged: true, hasOutcome: false });
  await receive(shop, { id: "evt_1", type: "payment.captured", orderId: "123" });
  expect(await apply(shop, "evt_1")).toEqual({ order_id: "123", order_state: "paid" });
  const [outcome] = await run(shop.services, "process_payment", [
    { id: "task", kwargs: { order_id: "123" } },
  ]);
  expect(outcome?.kind).toBe("success");
  expect(await rows("SELECT captures FROM simulated_charges")).toEqual([{ captures: 1 }]);
});

it("after a restore a capture that only the gateway knows of pays the order", async () => {
  const shop = createShop();
  await shop.create({ orderId: "123" });
  await charged(shop, "123", 15_000, { isCharged: true, hasOutcome: true });
  await env.DB.batch([
    env.DB.prepare("UPDATE orders SET state = 'pending'"),
    env.DB.prepare("DELETE FROM payments"),
  ]);
  await expectCharges(shop.services);
  await receive(shop, { id: "evt_1", type: "payment.captured", orderId: "123" });
  expect(await apply(shop, "evt_1")).toEqual({ order_id: "123", order_state: "paid" });
  expect(await rows("SELECT state, reference FROM payments")).toEqual([
    { state: "captured", reference: "sim_order:123:0" },
  ]);
});

it("an event that says more than the gateway knows changes nothing", async () => {
  const shop = createShop();
  await shop.create({ orderId: "123" });
  await receive(shop, { id: "evt_1", type: "payment.captured", orderId: "123" });
  expect(await apply(shop, "evt_1")).toEqual({
    ...{ order_id: "123", order_state: "pending", note: "No payment was begun." },
  });
});

it("an event of an order that there is not is no failure", async () => {
  const shop = createShop();
  await receive(shop, { id: "evt_1", type: "payment.captured", orderId: "none" });
  expect(await apply(shop, "evt_1")).toMatchObject({ order_state: null });
});

it.each<[string, Partial<PaymentEvent>]>([
  ["another amount", { amountMinor: 15_001 }],
  ["another currency", { currency: "EUR" }],
  ["a refund of more than all", { type: "payment.refunded", amountMinor: 15_001 }],
])("an event with %s is left to a person", async (_what, over) => {
  const shop = createShop();
  await shop.create({ orderId: "123" });
  await charged(shop, "123", 15_000, { isCharged: true, hasOutcome: false });
  await receive(shop, { id: "evt_1", type: "payment.captured", orderId: "123", ...over });
  await expect(apply(shop, "evt_1")).rejects.toMatchObject({ name: "PaymentEventMismatchError" });
  expect(await rows("SELECT state FROM orders")).toEqual([{ state: "pending" }]);
});

it("a capture of an order that was cancelled meanwhile goes back, set off in the same batch", async () => {
  const shop = createShop();
  await shop.create({ orderId: "123" });
  await charged(shop, "123", 15_000, { isCharged: true, hasOutcome: false });
  await shop.change("123", "cancel");
  await receive(shop, { id: "evt_1", type: "payment.captured", orderId: "123" });
  expect(await apply(shop, "evt_1")).toMatchObject({ order_state: "cancelled" });
  expect(await rows("SELECT state FROM payments")).toEqual([{ state: "refunding" }]);
  await run(shop.services, "refund_payment", [{ kwargs: { order_id: "123" } }]);
  expect(await rows("SELECT state FROM orders")).toEqual([{ state: "refunded" }]);
});

it("an event told many times, also at the same time, is stored once and sets off one task (G10)", async () => {
  const shop = createShop();
  const event = { id: "evt_1", type: "payment.captured", orderId: "123" } as const;
  const ids = await Promise.all(Array.from({ length: 10 }, () => receive(shop, event)));
  ids.push(await receive(shop, event));
  await shop.settled();
  expect(new Set(ids).size).toBe(1);
  expect([...shop.ledger.taken.keys()]).toEqual([ids[0]]);
  expect(await rows("SELECT id, task_id FROM payment_events")).toEqual([
    { id: "evt_1", task_id: ids[0] },
  ]);
});

it("a crash at any call of receiving leaves event and task or neither, and telling again mends it (G8, G10)", async () => {
  let points = 0;
  for (let at = 1; ; at += 1) {
    let hasStruck = false;
    for (const when of ["before", "after"] as const) {
      await emptyTables();
      const faults = new Faults({ at, when });
      const { ledger } = createShop();
      const event = { id: "evt_1", type: "payment.captured", orderId: "123" } as const;
      const broken = createShop({ database: faultyDatabase(env.DB, faults), ledger });
      await receive(broken, event).catch(() => null);
      await broken.settled();
      hasStruck = faults.struck;
      const shop = createShop({ ledger });
      const id = await receive(shop, event);
      await shop.settled();
      await env.DB.prepare("UPDATE outbox SET created_at = 0").run();
      await shop.outbox.sweep();
      expect([...ledger.taken.keys()], `${when} ${at}`).toEqual([id]);
    }
    if (!hasStruck) break;
    points += 1;
  }
  expect(points).toBeGreaterThan(1);
});

type Shop = ReturnType<typeof createShop>;

function receive(shop: Shop, event: Partial<PaymentEvent> & Pick<PaymentEvent, "id" | "type">) {
  const whole: PaymentEvent = {
    ...{ orderId: "123", amountMinor: 15_000, currency: "USD", createdAt: 0 },
    ...event,
  };
  const applying = (id: string) => processPaymentCallback.s({ event_id: id });
  return receiveEvent(
    { ...shop.services, background: shop.background },
    shop.lovage,
    whole,
    applying,
  );
}

async function apply({ services, lovage }: Shop, eventId: string) {
  const ctx = { services, lovage } as TaskContext<ShopServices>;
  return processPaymentCallback.handler?.({ event_id: eventId }, ctx);
}

/** Has the payment's task ask the gateway, which may never hear of it; and may hear its answer. */
async function charged(
  shop: Shop,
  orderId: string,
  amountMinor: number,
  { isCharged, hasOutcome }: { isCharged: boolean; hasOutcome: boolean },
): Promise<void> {
  const real = shop.services.gateway;
  const gateway: PaymentGateway = {
    ...real,
    open: (request) => real.open({ ...request, amountMinor }),
    async charge(reference, request) {
      const charge = isCharged ? await real.charge(reference, request) : null;
      if (charge === null || !hasOutcome) throw new Error("No answer.");
      return charge;
    },
  };
  await run({ ...shop.services, gateway }, "process_payment", [
    { id: "task", kwargs: { order_id: orderId } },
  ]);
}

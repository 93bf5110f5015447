import { beforeEach, expect, it } from "vitest";
import { payAgain } from "#domain/checkout";
import { createShop, emptyTables, rows, run } from "./shop.ts";
import { StripeAccount } from "./stripe-account.ts";

beforeEach(emptyTables);

it("an order whose card was declined is paid by another, once", async () => {
  const { account, shop } = stripeShop();
  await declined(shop, "123");
  expect(await pay(shop, "123", "pm_card_visa")).toMatchObject({ kind: "done" });
  await shop.settled();
  const [order] = await ordersOf();
  const taskId = order?.payment_task_id ?? "";
  expect(order).toMatchObject({ state: "payment_failed", payment_method: "pm_card_visa" });
  expect(shop.ledger.taken.get(taskId)).toMatchObject({ name: "process_payment" });
  for (const id of [taskId, taskId, "another call's"]) {
    await run(shop.services, "process_payment", [{ id, kwargs: { order_id: "123" } }]);
  }
  expect(await ordersOf()).toMatchObject([{ state: "paid" }]);
  const { intents } = await account.book();
  expect(intents).toMatchObject([
    { status: "canceled", captures: 0, metadata: { order_key: "order:123:0" } },
    { status: "succeeded", captures: 1, metadata: { order_key: "order:123:1" } },
  ]);
});

it("calls at the same time, each with its task, take the money once", async () => {
  const { account, shop } = stripeShop();
  await declined(shop, "123");
  await Promise.all(Array.from({ length: 5 }, () => pay(shop, "123", "pm_card_visa")));
  await shop.settled();
  const ids = [...shop.ledger.taken.values()]
    .filter(({ name }) => name === "process_payment")
    .map(({ id }) => id);
  await Promise.all(
    ids.map((id) => run(shop.services, "process_payment", [{ id, kwargs: { order_id: "123" } }])),
  );
  for (const id of ids) {
    await run(shop.services, "process_payment", [{ id, kwargs: { order_id: "123" } }]);
  }
  expect(await ordersOf()).toMatchObject([{ state: "paid" }]);
  const captures = (await account.book()).intents.map((intent) => intent.captures);
  expect(captures.reduce((sum, count) => sum + count, 0)).toBe(1);
});

it("a late run of the first task doesn't charge the old card for the new payment", async () => {
  const { account, shop } = stripeShop();
  const { gateway } = shop.services;
  await shop.create({ orderId: "123", paymentMethod: "pm_card_visa_chargeDeclined" });
  const process = (id: string, over: Partial<typeof gateway>) =>
    run({ ...shop.services, gateway: { ...gateway, ...over } }, "process_payment", [
      { id, kwargs: { order_id: "123" } },
    ]);
  const late = held((...args: Parameters<typeof gateway.open>) => gateway.open(...args));
  const zombie = process("task", { open: late.call });
  await late.begun;
  await process("task", {});
  await pay(shop, "123", "pm_card_visa");
  const second = held((...args: Parameters<typeof gateway.charge>) => gateway.charge(...args));
  const paying = process("another", { charge: second.call });
  await second.begun;
  late.release();
  await zombie;
  second.release();
  await paying;
  expect(await ordersOf()).toMatchObject([{ state: "paid", payment_method: "pm_card_visa" }]);
  const { intents } = await account.book();
  expect(intents.reduce((sum, { captures }) => sum + captures, 0)).toBe(1);
});

it("only an order whose payment was declined may be paid anew", async () => {
  const { shop } = stripeShop();
  expect(await pay(shop, "none", "pm_card_visa")).toBeNull();
  await shop.create({ orderId: "123", paymentMethod: "pm_card_visa" });
  expect(await pay(shop, "123", "pm_card_visa")).toMatchObject({ kind: "conflict" });
  await run(shop.services, "process_payment", [{ kwargs: { order_id: "123" } }]);
  expect(await pay(shop, "123", "pm_card_visa")).toMatchObject({ kind: "conflict" });
  await declined(shop, "cancelled");
  await shop.change("cancelled", "cancel");
  expect(await pay(shop, "cancelled", "pm_card_visa")).toMatchObject({ kind: "conflict" });
});

/** A call of the gateway that waits, before it is made, until it is released. */
function held<Args extends unknown[], Answer>(real: (...args: Args) => Promise<Answer>) {
  const begun = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const call = async (...args: Args): Promise<Answer> => {
    begun.resolve();
    await released.promise;
    return real(...args);
  };
  return { call, begun: begun.promise, release: () => released.resolve() };
}

type Shop = ReturnType<typeof createShop>;

function stripeShop() {
  const account = new StripeAccount();
  return { account, shop: createShop({ services: { gateway: account.gateway } }) };
}

async function declined(shop: Shop, orderId: string): Promise<void> {
  await shop.create({ orderId, paymentMethod: "pm_card_visa_chargeDeclined" });
  await run(shop.services, "process_payment", [{ id: "task", kwargs: { order_id: orderId } }]);
}

function pay(shop: Shop, orderId: string, paymentMethod: string) {
  const parts = { ...shop.services, background: shop.background };
  return payAgain(parts, shop.lovage, orderId, paymentMethod);
}

function ordersOf() {
  return rows<{ state: string; payment_task_id: string; payment_method: string }>(
    "SELECT state, payment_task_id, payment_method FROM orders",
  );
}

import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { Stripe } from "stripe";
import { inject, expect, it } from "vitest";
import type { TaskContext } from "#engine";
import { processPaymentCallback } from "#domain/payments";
import type { ShopServices } from "../../src/domain/index.ts";
import worker from "../../src/worker.ts";
import { ended } from "./api.ts";
import { rows, run, createShop } from "./domain/shop.ts";
import { StripeAccount } from "./domain/stripe-account.ts";
import { documented } from "./documented.ts";

const SECRET = "whsec_0123456789abcdef";
const PREVIOUS = "whsec_the_one_before_it";
const account = new StripeAccount();
const shop = createShop({ services: { gateway: account.gateway } });
const SETTINGS = {
  PAYMENT_GATEWAY: "stripe",
  STRIPE_URL: inject("stripeUrl"),
  STRIPE_SECRET_KEY: account.secretKey,
  WEBHOOK_SECRET: SECRET,
  WEBHOOK_SECRET_PREVIOUS: PREVIOUS,
  ADMIN_EMAILS: "admin@example.com",
};

const DISPUTE = {
  ...{ id: "evt_dispute", object: "event", type: "charge.dispute.created", created: 1_900_000_000 },
  data: {
    object: {
      ...{ id: "dp_1", object: "dispute", amount: 1_000, currency: "usd", charge: "ch_1" },
      ...{ payment_intent: "pi_1", reason: "fraudulent", status: "needs_response", metadata: {} },
    },
  },
};

it("an order says what is charged, or is refused before anything is written", async () => {
  const refused = await call("/api/create-order/", orderOf("nothing"));
  expect(refused.status).toBe(422);
  expect(await refused.json()).toMatchObject({ errors: [{ field: "paymentMethod" }] });
  for (const paymentMethod of ["4242424242424242", "tok_visa", "pm_", "pm_a/b", 1]) {
    const answer = await call("/api/create-order/", { ...orderOf("wrong"), paymentMethod });
    expect(answer.status, String(paymentMethod)).toBe(422);
  }
  const cart = { orderId: "cart", expectedTotal: 10, customerEmail: "c@example.com" };
  const unpayable = await call("/api/cart/checkout/?user_id=5", cart);
  expect(await unpayable.json()).toMatchObject({ errors: [{ field: "paymentMethod" }] });
  expect(await rows("SELECT id FROM orders")).toEqual([]);
});

it("the same order again is the same; with another card it is another", async () => {
  const body = { ...orderOf("same"), paymentMethod: "pm_card_visa" };
  const first = await (await call("/api/create-order/", body)).json();
  expect(await (await call("/api/create-order/", body)).json()).toEqual(first);
  const other = { ...body, paymentMethod: "pm_card_mastercard" };
  expect((await call("/api/create-order/", other)).status).toBe(409);
});

it("a declined order takes another card, and no other order does", async () => {
  await placed("paid", "pm_card_visa");
  const body = { paymentMethod: "pm_card_visa" };
  expect((await call("/api/orders/paid/pay/", body)).status).toBe(409);
  expect((await call("/api/orders/none/pay/", body)).status).toBe(404);
  await placed("again", "pm_card_visa_chargeDeclined");
  expect(await stateOf("again")).toBe("payment_failed");
  expect((await call("/api/orders/again/pay/", {})).status).toBe(422);
  const answer = await call("/api/orders/again/pay/", body);
  expect(answer.status).toBe(200);
  const { tasks } = await answer.json<{ tasks: Record<string, string> }>();
  const stored = "SELECT payment_method, payment_task_id FROM orders WHERE id = 'again'";
  expect(await rows(stored)).toEqual([
    { payment_method: "pm_card_visa", payment_task_id: tasks["process_payment"] },
  ]);
});

it("events signed by Stripe's SDK are taken, with the secret before too; others are refused (G10)", async () => {
  await placed("hooked", "pm_card_visa");
  const [event] = (await account.events()).filter(
    ({ type }) => type === "payment_intent.succeeded",
  );
  for (const secret of [SECRET, PREVIOUS]) {
    const answer = await hook(event, { secret });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ received: true });
  }
  expect(await rows("SELECT id FROM payment_events")).toEqual([{ id: event?.id }]);
  expect((await hook(event, { secret: "whsec_guessed_by_somebody" })).status).toBe(400);
  const old = Math.floor(Date.now() / 1_000) - 301;
  expect((await hook(event, { timestamp: old })).status).toBe(400);
  expect((await hook({ ...event, data: { object: null } })).status).toBe(422);
});

it("a dispute is told to the admins once and changes no state", async () => {
  await placed("disputed", "pm_card_visa");
  const answers = [await hook(DISPUTE), await hook(DISPUTE)];
  const ids = await Promise.all(answers.map((answer) => answer.json<{ task_id: string }>()));
  expect(ids[0]).toEqual(ids[1]);
  expect(await ended(ids[0]?.task_id ?? "")).toMatchObject({ state: "SUCCESS" });
  expect(await stateOf("disputed")).toBe("paid");
});

it("whatever of an order's events comes, in any order and five times, it ends the same (G10)", async () => {
  const id = "permuted";
  await placed(id, "pm_card_visa");
  const [reference] = await rows<{ reference: string }>(
    "SELECT reference FROM payments WHERE order_id = ?",
    id,
  );
  await account.gateway.refund({
    ...{ idempotencyKey: "by hand", reference: reference?.reference ?? "" },
    ...{ amountMinor: 1_000, currency: "USD" },
  });
  const told = (await account.events()).filter((event) => JSON.stringify(event).includes(id));
  expect(told.map(({ type }) => type)).toEqual(["payment_intent.succeeded", "charge.refunded"]);
  const failed = { ...told[0], id: "evt_failed", type: "payment_intent.payment_failed" };
  const all = [...told, failed, DISPUTE];
  for (const event of all) expect((await hook(event)).status).toBe(200);
  for (const events of permutations(all)) {
    await env.DB.batch([
      env.DB.prepare("UPDATE orders SET state = 'pending', refunded_at = NULL WHERE id = ?").bind(
        id,
      ),
      env.DB.prepare("UPDATE payments SET state = 'charging' WHERE order_id = ?").bind(id),
    ]);
    for (const event of events) await applied(event.id);
    // And four times more, all at once.
    const again = Array.from({ length: 4 }, () => events).flat();
    await Promise.all(again.map((event) => applied(event.id)));
    expect(await stateOf(id)).toBe("refunded");
  }
}, 120_000);

function orderOf(orderId: string) {
  return { orderId, userId: 1, totalAmount: 10, customerEmail: "c@example.com" };
}

async function call(path: string, body: unknown, headers: Record<string, string> = {}) {
  const ctx = createExecutionContext();
  const answer = await worker.fetch(
    new Request(`http://lovage${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    }),
    { ...env, ...SETTINGS },
    ctx,
  );
  await waitOnExecutionContext(ctx);
  return documented("POST", `http://lovage${path}`, answer);
}

async function hook(
  event: unknown,
  { secret = SECRET, timestamp }: { secret?: string; timestamp?: number } = {},
) {
  const payload = JSON.stringify(event);
  const { webhooks } = new Stripe(account.secretKey);
  const signature = await webhooks.generateTestHeaderStringAsync({
    ...{ payload, secret },
    ...(timestamp !== undefined && { timestamp }),
  });
  return call("/api/payments/webhook/", payload, { "Stripe-Signature": signature });
}

/** Has an event applied; a dispute has nothing to apply. */
async function applied(eventId: string): Promise<void> {
  if (eventId === DISPUTE.id) return;
  const ctx = { services: shop.services, lovage: shop.lovage } as TaskContext<ShopServices>;
  await processPaymentCallback.handler?.({ event_id: eventId }, ctx);
}

/** An order whose payment was run: here, since the consumers of the tests have the simulated gateway. */
async function placed(orderId: string, paymentMethod: string): Promise<void> {
  await shop.create({ orderId, paymentMethod, amountMinor: 1_000 }, "anonymous");
  await run(shop.services, "process_payment", [{ kwargs: { order_id: orderId } }]);
}

async function stateOf(orderId: string): Promise<string | undefined> {
  const [order] = await rows<{ state: string }>("SELECT state FROM orders WHERE id = ?", orderId);
  return order?.state;
}

function permutations<Item>(items: readonly Item[]): Item[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, at) =>
    permutations(items.toSpliced(at, 1)).map((rest) => [item, ...rest]),
  );
}

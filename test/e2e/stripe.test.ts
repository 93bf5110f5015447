import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Stripe } from "stripe";
import { afterAll, expect, it } from "vitest";
import { LocalServer } from "../../scripts/local-server.ts";
import type { Account } from "../stripe/account.ts";
import { StripeServer } from "../stripe/server.ts";

const ORDERS = 200;
const SECRET_KEY = `sk_test_${"local".repeat(4)}`;
const WEBHOOK_SECRET = "whsec_for_the_test_only";
const CARDS = ["pm_card_visa", "pm_card_visa", "pm_card_visa", "pm_card_visa_chargeDeclined"];
/** Retries wait longer each time: with this share hardly a task needs more than five. */
const SHARE = 0.1;
const CALM_MS = 100_000;
const MONEY_STATES = ["paid", "payment_failed", "cancelled", "refunded"];

const state = mkdtempSync(join(tmpdir(), "lovage-stripe-"));
let server: LocalServer | null = null;
let stripe: StripeServer | null = null;

afterAll(async () => {
  await server?.kill();
  stripe?.stop();
  rmSync(state, { recursive: true, force: true });
});

it(
  "orders are paid, declined and refunded by Stripe's API, whatever breaks on the way",
  async () => {
    stripe = await StripeServer.start();
    const vars = {
      ...{ PAYMENT_GATEWAY: "stripe", STRIPE_URL: stripe.url, STRIPE_SECRET_KEY: SECRET_KEY },
      WEBHOOK_SECRET,
    };
    server = await LocalServer.start({ port: 8_795, config: "wrangler.toml", state, vars });
    const account = stripe.account(SECRET_KEY);
    account.faults.share = SHARE;
    const { url } = server;
    const ids = Array.from({ length: ORDERS }, (_, n) => `s-${n}`);
    await Promise.all(ids.map((orderId, n) => create(url, orderId, CARDS[n % CARDS.length] ?? "")));
    const cancelled = ids.filter((_, n) => n % 10 === 0);
    await Promise.all(cancelled.map((orderId) => post(url, `/api/orders/${orderId}/cancel/`, {})));
    await pause(3_000);
    for (const event of [...account.events, ...account.events.slice(0, 50)]) {
      await hook(url, JSON.stringify(event));
    }
    const orders = await settled(url, ids, new Set(cancelled));
    const intents = [...account.intents.values()];
    for (const [orderId, order] of orders) {
      const own = intents.filter(({ metadata }) => metadata["order_id"] === orderId);
      const captures = own.reduce((sum, { captures: count }) => sum + count, 0);
      const isTaken = order.state === "paid" || order.state === "refunded";
      expect(captures, `${orderId} is ${order.state}`).toBe(isTaken ? 1 : 0);
      expect(
        givenBack(
          account,
          own.map(({ id }) => id),
        ),
        orderId,
      ).toBe(order.state === "refunded" ? 2_000 : 0);
      if (!cancelled.includes(orderId)) {
        const isGood = Number(orderId.slice(2)) % CARDS.length !== 3;
        expect(order.state, orderId).toBe(isGood ? "paid" : "payment_failed");
      }
    }
  },
  CALM_MS + 60_000,
);

interface OrderView {
  readonly state: string;
  readonly payment: { readonly state: string } | null;
}

/** Every order once neither it nor its payment is on the way any more. */
async function settled(url: string, ids: readonly string[], cancelled: ReadonlySet<string>) {
  const ended = new Map<string, OrderView>();
  const until = Date.now() + CALM_MS;
  while (ended.size < ids.length && Date.now() < until) {
    for (const orderId of ids.filter((id) => !ended.has(id))) {
      const answer = await fetch(`${url}/api/orders/${orderId}/`);
      const order = await answer.json<OrderView>();
      const payment = order.payment?.state ?? "none";
      const isOver =
        MONEY_STATES.includes(order.state) && !["charging", "refunding"].includes(payment);
      const isRight = cancelled.has(orderId) === ["cancelled", "refunded"].includes(order.state);
      if (isOver && isRight) ended.set(orderId, order);
    }
    await pause(500);
  }
  expect(ended.size, "orders that came to an end").toBe(ids.length);
  return ended;
}

function givenBack({ refunds }: Account, intentIds: readonly string[]): number {
  return refunds
    .filter(({ intentId }) => intentIds.includes(intentId))
    .reduce((sum, { amount }) => sum + amount, 0);
}

async function create(url: string, orderId: string, paymentMethod: string): Promise<void> {
  const order = { orderId, userId: 1, totalAmount: 20, customerEmail: "c@example.com" };
  await post(url, "/api/create-order/", { ...order, paymentMethod });
}

async function post(url: string, path: string, body: unknown): Promise<void> {
  const headers = { "Content-Type": "application/json" };
  const init = { method: "POST", headers, body: JSON.stringify(body) };
  expect((await fetch(`${url}${path}`, init)).status).toBe(200);
}

async function hook(url: string, payload: string): Promise<void> {
  const { webhooks } = new Stripe(SECRET_KEY);
  const given = { payload, secret: WEBHOOK_SECRET };
  const headers = { "Stripe-Signature": await webhooks.generateTestHeaderStringAsync(given) };
  const init = { method: "POST", headers, body: payload };
  expect((await fetch(`${url}/api/payments/webhook/`, init)).status).toBe(200);
}

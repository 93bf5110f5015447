import type { StripeServer } from "../test/stripe/server.ts";
import { bill, call, median, totals, untilRecorded } from "./measure.ts";

/** What every answer of the gateway takes. */
export const GATEWAY_MS = 50;
const SECRET_KEY = `sk_test_${"bench".repeat(4)}`;
const ORDERS = 1_000;
const ROUNDS = 3;
const ROWS_AT_ONCE = 1_000;

/** The deployment takes its money from a stand-in for Stripe on this machine. */
export function gatewaySettings({ url }: StripeServer): Readonly<Record<string, string>> {
  return {
    PAYMENT_GATEWAY: "stripe",
    STRIPE_URL: url,
    STRIPE_SECRET_KEY: SECRET_KEY,
    WEBHOOK_SECRET: "whsec_for_the_bench_only",
  };
}

async function storeOrders(url: string, prefix: string): Promise<void> {
  const columns = [
    ...["id", "owner", "user_id", "amount_minor", "currency", "customer_email", "state"],
    ...["email_task_id", "payment_task_id", "created_at", "payment_method"],
  ];
  const rows = Array.from({ length: ORDERS }, (_, n) => [
    ...[`${prefix}${n}`, "anonymous", 1, 15_000, "USD", "c@example.com", "pending"],
    ...["", "", 0, "pm_card_visa"],
  ]);
  for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) {
    const some = rows.slice(from, from + ROWS_AT_ONCE);
    await call(`${url}/bench/insert`, JSON.stringify({ table: "orders", columns, rows: some }));
  }
}

/**
 * Orders that are paid through the tasks, from the submit to the last result in D1: a charge is two requests
 * to the gateway, one after the other, so in sequence it takes twice its latency.
 */
export async function payments(url: string, gateway: StripeServer) {
  const before = await totals(url);
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const prefix = `bench-${round}-`;
    await storeOrders(url, prefix);
    const start = await totals(url);
    const startedAt = performance.now();
    const tasks = Array.from({ length: ORDERS }, (_, n) => ({
      name: "process_payment",
      kwargs: { order_id: `${prefix}${n}` },
    }));
    await call(`${url}/api/tasks/bulk/`, JSON.stringify({ tasks }));
    await untilRecorded(url, start, ORDERS);
    rates.push(ORDERS / ((performance.now() - startedAt) / 1_000));
  }
  const total = ORDERS * ROUNDS;
  const captured = [...gateway.account(SECRET_KEY).intents.values()];
  const captures = captured.reduce((sum, intent) => sum + intent.captures, 0);
  if (captures !== total) throw new Error(`${captures} of ${total} payments were captured.`);
  return {
    gateway_ms: GATEWAY_MS,
    payments_per_second: Math.round(median(rates)),
    in_sequence_per_second: 1_000 / (2 * GATEWAY_MS),
    most_at_once: gateway.mostAtOnce,
    ...bill(before, await totals(url), total, ROUNDS),
  };
}

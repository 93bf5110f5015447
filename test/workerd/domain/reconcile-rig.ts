import { env } from "cloudflare:workers";
import type { PaymentGateway } from "#domain/payments";
import { paymentTasks } from "#domain/payments";
import { DurableTask } from "./durable.ts";
import { createShop, rows, run } from "./shop.ts";

export type Shop = ReturnType<typeof createShop>;

const HOUR_MS = 3_600_000;
const [, , , , reconcilePayments] = paymentTasks;

/** The shop with its clock so many hours ahead. */
export function shopIn(hours: number, parts: Parameters<typeof createShop>[0] = {}): Shop {
  const clock = { now: () => Date.now() + hours * HOUR_MS };
  return createShop({ ...parts, services: { ...parts.services, clock } });
}

/** An order whose payment's task ran. */
export async function ordered(
  orderId: string,
  amountMinor = 15_000,
  gateway?: PaymentGateway,
): Promise<Shop> {
  const shop = createShop();
  await shop.create({ orderId, amountMinor });
  const services = { ...shop.services, gateway: gateway ?? shop.services.gateway };
  await run(services, "process_payment", [
    { id: `task ${orderId}`, kwargs: { order_id: orderId } },
  ]);
  return shop;
}

/** Writes into either book, statement by statement. */
export async function write(...statements: readonly string[]): Promise<void> {
  await env.DB.batch(statements.map((statement) => env.DB.prepare(statement)));
}

export interface Report {
  readonly from: string;
  readonly until: string;
  readonly checked_charges: number;
  readonly checked_payments: number;
  readonly differences: number;
  readonly mended: number;
  readonly new: number;
  readonly finished: boolean;
}

/** A run of the reconciliation. */
export async function reconcile(
  shop: Shop = shopIn(1),
  task = new DurableTask(),
  params: object = {},
): Promise<Report> {
  return (await task.run(reconcilePayments, { days: null, run: null, ...params }, shop)) as Report;
}

/** What is stored of differences, by kind. */
export function found() {
  return rows<{ kind: string; is_mended: number; is_open: number }>(
    "SELECT kind, is_mended, resolved_at IS NULL AS is_open FROM payment_differences ORDER BY kind",
  );
}

/** Where order and payment stand. */
export async function states(orderId: string): Promise<(string | null)[]> {
  const [state] = await rows<{ order_state: string; payment: string | null }>(
    `SELECT o.state AS order_state, p.state AS payment FROM orders o
      LEFT JOIN payments p ON p.order_id = o.id WHERE o.id = ?`,
    orderId,
  );
  return [state?.order_state ?? null, state?.payment ?? null];
}

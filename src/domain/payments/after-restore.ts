import { sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { Clock } from "#engine";
import type { PaymentGateway } from "./gateway.ts";

/**
 * For a database that was brought back from a backup: what was charged since then is not in it. Every order
 * that waits for its payment gets one whose outcome is unknown, so that its task asks the gateway before it
 * charges. Safe to repeat. Rows written: two per such order.
 */
export async function expectCharges({
  db,
  gateway,
  clock,
}: {
  readonly db: DrizzleD1Database;
  readonly gateway: PaymentGateway;
  readonly clock: Clock;
}): Promise<void> {
  await db.run(
    sql`INSERT INTO payments (order_id, state, task_id, provider, declines, updated_at)
      SELECT id, 'charging', payment_task_id, ${gateway.provider}, 0, ${clock.now()} FROM orders
      WHERE state = 'pending' ON CONFLICT DO NOTHING`,
  );
}

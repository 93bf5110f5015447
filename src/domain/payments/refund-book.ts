import { and, eq, inArray } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { customerMail, moneyText, moveOrder, orderRefunded, type Order } from "../orders/index.ts";
import type { Payment, PaymentParts } from "./payment-book.ts";
import { payments } from "./tables.ts";

/** The statement that asks for the money back; `refund_payment` does it. Rows written: 2 or 0. */
export function askRefund(
  db: DrizzleD1Database,
  orderId: string,
  now: number,
): BatchItem<"sqlite"> {
  return db
    .update(payments)
    .set({ state: "refunding", updatedAt: now })
    .where(and(eq(payments.orderId, orderId), eq(payments.state, "captured")));
}

/**
 * Writes that the money is back, payment, order and the customer's mail in one batch. Safe to repeat. Rows
 * written: 3, and the mail's.
 */
export async function recordRefund(
  { db, clock, mail, locale }: PaymentParts,
  order: Order,
): Promise<void> {
  const updatedAt = clock.now();
  const amount = moneyText(order.amountMinor, order.currency, order.locale ?? locale);
  const mails = [customerMail(orderRefunded, order, locale, { orderId: order.id, amount })];
  await db.batch([
    db
      .update(payments)
      .set({ state: "refunded", updatedAt })
      .where(
        and(eq(payments.orderId, order.id), inArray(payments.state, ["captured", "refunding"])),
      ),
    moveOrder(db, order.id, "refund", updatedAt),
    ...(await mail.queue(mails)),
  ]);
  // The money is back, whatever becomes of the mail: what can't be sent now the sweep sends.
  await mail.send(mails).catch(() => undefined);
}

/** Writes that a refund was refused: the money is still ours, and another may be asked for. */
export async function recordRefusal(
  { db, clock }: PaymentParts,
  { orderId, refusals }: Payment,
  refusalReason: string,
): Promise<void> {
  await db
    .update(payments)
    .set({
      state: "captured",
      refusalReason,
      refusals: refusals + 1,
      updatedAt: clock.now(),
    })
    .where(
      and(
        eq(payments.orderId, orderId),
        eq(payments.state, "refunding"),
        eq(payments.refusals, refusals),
      ),
    );
}

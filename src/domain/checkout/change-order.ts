import { sql } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { Clock, Lovage, Outbox, Signature } from "#engine";
import type { Locale, MailDesk, MailRequest } from "../mail/index.ts";
import {
  customerMail,
  findOrder,
  moveOrder,
  orderCancelled,
  orderShipped,
  orderState,
  type Order,
} from "../orders/index.ts";
import {
  askRefund,
  findPayment,
  paymentState,
  refundPaymentTask,
  type Payment,
} from "../payments/index.ts";
import { sendReviewReminder, withdrawReminder } from "../reviews/index.ts";
import { failUnless } from "../services/index.ts";
import { planChange, wasDone, type Change, type OrderRequest } from "./order-changes.ts";

export type { OrderRequest } from "./order-changes.ts";

const DAY_SECONDS = 86_400;

/**
 * - `done`: by this call.
 * - `same`: it was done before; nothing new was set off.
 * - `conflict`: the order is in no state for it.
 */
export interface ChangeAnswer {
  readonly kind: "done" | "same" | "conflict";
  readonly order: Order;
}

interface ChangeParts {
  readonly db: DrizzleD1Database;
  readonly outbox: Outbox<BatchItem<"sqlite">>;
  readonly mail: MailDesk;
  readonly clock: Clock;
  readonly locale: Locale;
  readonly reviewReminderDays: number;
  /** Lets the relay run on after the answer. */
  readonly background: (work: Promise<void>) => void;
}

/**
 * Moves an order on, as somebody asks for, with the mails and tasks that it sets off, in one D1 batch. The
 * batch holds only for the states that were read: when order or payment moved meanwhile, it is looked at
 * anew. So of two requests at once that exclude each other one wins, and a payment that is captured while
 * its order is cancelled goes back.
 * @returns null: there is no such order
 */
export async function changeOrder(
  parts: ChangeParts,
  lovage: Lovage,
  orderId: string,
  request: OrderRequest,
): Promise<ChangeAnswer | null> {
  let failed = null as { readonly seen: string; readonly error: unknown } | null;
  // Ends, because every round needs a state that moved on, and there are few.
  for (;;) {
    const [order, payment] = await Promise.all([
      findOrder(parts.db, orderId),
      findPayment(parts.db, orderId),
    ]);
    if (order === null) return null;
    if (wasDone(request, order, payment)) return { kind: "same", order };
    const change = planChange(request, order, payment);
    if (change === null) return { kind: "conflict", order };
    const seen = `${order.state} ${payment?.state} ${payment?.refusals}`;
    // Nothing moved: it was not the guard that failed.
    if (failed?.seen === seen) throw failed.error;
    try {
      await apply(parts, lovage, change, order, payment);
    } catch (error) {
      failed = { seen, error };
      continue;
    }
    return { kind: "done", order: (await findOrder(parts.db, orderId)) ?? order };
  }
}

async function apply(
  parts: ChangeParts,
  lovage: Lovage,
  { event, refunds }: Change,
  order: Order,
  payment: Payment | null,
): Promise<void> {
  const { db, clock, mail, outbox } = parts;
  const calls: Signature[] = [];
  const mails: MailRequest[] = [];
  if (refunds) calls.push(refundPaymentTask.s({ order_id: order.id }));
  if (event === "deliver") {
    const countdown = parts.reviewReminderDays * DAY_SECONDS;
    calls.push(sendReviewReminder.s({ order_id: order.id }, { countdown }));
  }
  if (event === "ship") {
    mails.push(customerMail(orderShipped, order, parts.locale, { orderId: order.id }));
  }
  if (event === "cancel") {
    const props = { orderId: order.id, isRefunded: refunds };
    mails.push(customerMail(orderCancelled, order, parts.locale, props));
  }
  const tasks = await lovage.prepareRepeatable(calls);
  const isAsSeen = sql`${orderState(order.id)} IS ${order.state}
    AND ${paymentState(order.id)} IS ${payment?.state ?? null}`;
  const now = clock.now();
  await db.batch([
    failUnless(db, isAsSeen),
    ...(event === null ? [] : [moveOrder(db, order.id, event, now)]),
    ...(refunds ? [askRefund(db, order.id, now), withdrawReminder(db, order.id)] : []),
    ...(await mail.queue(mails)),
    ...(tasks.length > 0 ? [outbox.insert(tasks)] : []),
  ]);
  parts.background(outbox.relay(tasks));
  // What can't be sent now the sweep sends.
  if (mails.length > 0) parts.background(mail.send(mails).then(() => undefined));
}

import { asc, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import * as z from "zod";
import { findReachable } from "../accounts/index.ts";
import { defineMail, mailOf } from "../mail/index.ts";
import { defineShopTask, type ShopServices } from "../services/index.ts";
import { remindAgainAt } from "./ages.ts";
import type { Transaction } from "./decide.ts";
import { amountText } from "./money.ts";
import { runInRounds, type Round } from "./rounds.ts";
import { escrowTransactions, IS_UNFUNDED } from "./tables.ts";

interface Unfunded {
  readonly transactionId: string;
  readonly title: string;
  readonly amountMinor: number;
  readonly currency: string;
  /** Whole days. */
  readonly days: number;
}

export const fundingReminder = defineMail<Unfunded>({
  name: "escrow_funding_reminder",
  sample: {
    transactionId: "0198b2a4-7c00-8000-8000-000000000000",
    title: "A website for the bakery",
    amountMinor: 150_000,
    currency: "USD",
    days: 8,
  },
  en: ({ transactionId, title, amountMinor, currency, days }) => ({
    subject: `Escrow “${title}” is waiting for your payment`,
    body: [
      "The seller can start as soon as your money is in escrow. If you don't want to go on, please cancel the transaction.",
      {
        facts: [
          ["Transaction", transactionId],
          ["Amount", amountText(amountMinor, currency, "en")],
          ["Days since it was created", String(days)],
        ],
      },
    ],
  }),
  ru: ({ transactionId, title, amountMinor, currency, days }) => ({
    subject: `Безопасная сделка «${title}» ждёт оплаты`,
    body: [
      "Продавец приступит к работе, как только деньги поступят. Если сделка больше не нужна, пожалуйста, отмените её.",
      {
        facts: [
          ["Сделка", transactionId],
          ["Сумма", amountText(amountMinor, currency, "ru")],
          ["Дней с момента создания", String(days)],
        ],
      },
    ],
  }),
});

/** Transactions of a round, and rounds of a run. */
const BATCH = 100;
const BUDGET = 40;
const DAY_MS = 86_400_000;

/**
 * Reminds buyers of transactions that have been waiting for their money for more than 7 days: one mail per
 * transaction, and not again in the week after it.
 */
export const cleanupOldPendingTransactions = defineShopTask({
  name: "cleanup_old_pending_transactions",
  params: z.object({ after: z.int().nonnegative().default(0) }),
  autoretryFor: [Error],
  retryBackoff: true,
  handler: ({ after }, ctx) =>
    runInRounds(ctx, after, BUDGET, () => remindOfFunding(ctx.services, BATCH)),
});

/** Reminds of the transactions whose turn it is, those first that it was first. What it did it finds done. */
export async function remindOfFunding(
  { db, mail, clock, locale: ours }: Pick<ShopServices, "db" | "mail" | "clock" | "locale">,
  limit: number,
): Promise<Round> {
  const now = clock.now();
  const due = await db
    .select()
    .from(escrowTransactions)
    .where(sql`${IS_UNFUNDED} AND remind_at <= ${now}`)
    .orderBy(asc(escrowTransactions.remindAt))
    .limit(limit);
  if (due.length === 0) return { count: 0, mails: 0, next: null };
  const buyers = await findReachable(
    db,
    due.map(({ buyerId }) => buyerId),
  );
  const mails = due.flatMap((transaction) => {
    const buyer = buyers.get(transaction.buyerId);
    if (buyer === undefined) return [];
    const { id: transactionId, title, amountMinor, currency, createdAt } = transaction;
    const days = Math.floor((now - createdAt) / DAY_MS);
    return mailOf(fundingReminder, {
      // Two runs at once find the same mark, and write the same mail.
      key: `escrow-funding:${transactionId}:${transaction.remindAt}`,
      to: buyer.email,
      locale: buyer.locale ?? ours,
      props: { transactionId, title, amountMinor, currency, days },
    });
  });
  await db.batch([putOff(db, due, remindAgainAt(now)), ...(await mail.queue(mails))]);
  return { count: due.length, mails: mails.length, next: due.length < limit ? null : 0 };
}

/** Guarded by the mark: what another run put off in the meantime stays. Rows written: 2 each. */
function putOff(db: DrizzleD1Database, due: readonly Transaction[], remindAt: number) {
  const marks = JSON.stringify(due.map((each) => [each.id, each.remindAt]));
  return db
    .update(escrowTransactions)
    .set({ remindAt })
    .where(
      sql`${IS_UNFUNDED} AND (id, remind_at) IN
        (SELECT value ->> 0, value ->> 1 FROM json_each(${marks}))`,
    );
}

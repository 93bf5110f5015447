import { and, asc, eq, gte, lte, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import * as z from "zod";
import { findReachable } from "../accounts/index.ts";
import { defineMail, mailOf } from "../mail/index.ts";
import { defineShopTask, type ShopServices } from "../services/index.ts";
import { remindAgainAt } from "./ages.ts";
import { runInRounds, type Round } from "./rounds.ts";
import { escrowMilestones, escrowTransactions } from "./tables.ts";

/** A milestone that a seller owes for too long. */
interface Overdue {
  readonly title: string;
  readonly milestone: string;
  /** Whole days since it has been pending. */
  readonly days: number;
}

interface Owed {
  readonly listed: readonly Overdue[];
  /** Those that are not listed. */
  readonly others: number;
}

export const overdueMilestones = defineMail<Owed>({
  name: "escrow_overdue_milestones",
  sample: {
    listed: [{ title: "A website for the bakery", milestone: "Design", days: 15 }],
    others: 0,
  },
  en: ({ listed, others }) => ({
    subject: "Milestones that you have not delivered yet",
    body: [
      "Buyers are waiting for these milestones:",
      {
        list: [
          ...listed.map((each) => `“${each.title}”: “${each.milestone}” (days: ${each.days})`),
          ...(others > 0 ? [`and more of them: ${others}`] : []),
        ],
      },
      "Please submit them, or return the money to the buyer.",
    ],
  }),
  ru: ({ listed, others }) => ({
    subject: "Вы ещё не сдали эти этапы",
    body: [
      "Покупатели ждут эти этапы:",
      {
        list: [
          ...listed.map((each) => `«${each.title}»: «${each.milestone}» (дней: ${each.days})`),
          ...(others > 0 ? [`и ещё этапов: ${others}`] : []),
        ],
      },
      "Пожалуйста, сдайте их или верните деньги покупателю.",
    ],
  }),
});

/** Milestones of a round, rounds of a run, milestones that a mail lists. */
const BATCH = 500;
const BUDGET = 20;
const LISTED = 20;
const DAY_MS = 86_400_000;

/**
 * Tells sellers which milestones they have owed for more than 14 days: one mail per seller, and of no
 * milestone again in the week after it.
 */
export const checkOverdueMilestones = defineShopTask({
  name: "check_overdue_milestones",
  params: z.object({ after: z.int().nonnegative().default(0) }),
  autoretryFor: [Error],
  retryBackoff: true,
  handler: ({ after }, ctx) =>
    runInRounds(ctx, after, BUDGET, (from) => remindOfMilestones(ctx.services, from, BATCH)),
});

/** Reminds the next sellers, `from` included, of all they owe for too long. What it did it finds done. */
export async function remindOfMilestones(
  { db, mail, clock, locale: ours }: Pick<ShopServices, "db" | "mail" | "clock" | "locale">,
  from: number,
  limit: number,
): Promise<Round> {
  const now = clock.now();
  const page = await findDue(db, from, now, limit);
  const due = wholeGroups(page, limit);
  const last = due.at(-1);
  if (last === undefined) return { count: 0, mails: 0, next: null };
  const bySeller = Map.groupBy(due, ({ sellerId }) => sellerId);
  const sellers = await findReachable(db, [...bySeller.keys()]);
  const mails = [...bySeller].flatMap(([sellerId, owed]) => {
    const seller = sellers.get(sellerId);
    const [oldest] = owed;
    if (seller === undefined || oldest === undefined) return [];
    const listed = owed.slice(0, LISTED).map(({ title, milestone, pendingSince }) => {
      return { title, milestone, days: Math.floor((now - (pendingSince ?? now)) / DAY_MS) };
    });
    return mailOf(overdueMilestones, {
      // Two runs at once find the same mark, and write the same mail.
      key: `escrow-overdue:${oldest.id}:${oldest.number}:${oldest.remindAt}`,
      to: seller.email,
      locale: seller.locale ?? ours,
      props: { listed, others: owed.length - listed.length },
    });
  });
  await db.batch([putOff(db, due, remindAgainAt(now)), ...(await mail.queue(mails))]);
  return {
    count: due.length,
    mails: mails.length,
    next: page.length < limit ? null : last.sellerId,
  };
}

type Due = Awaited<ReturnType<typeof findDue>>[number];

/** By seller, the longest due first. */
function findDue(db: DrizzleD1Database, from: number, now: number, limit: number) {
  const { transactionId, number, sellerId, title, pendingSince, remindAt } = escrowMilestones;
  return db
    .select({
      ...{ id: transactionId, number, sellerId, milestone: title, pendingSince, remindAt },
      title: escrowTransactions.title,
    })
    .from(escrowMilestones)
    .innerJoin(escrowTransactions, eq(escrowTransactions.id, transactionId))
    .where(and(sql`${remindAt} IS NOT NULL`, gte(sellerId, from), lte(remindAt, now)))
    .orderBy(asc(sellerId), asc(remindAt), asc(transactionId), asc(number))
    .limit(limit);
}

/**
 * Of a full page all but the last seller's, whose may go on behind it; of a page of one seller all: who owes
 * more than a page gets a mail for each.
 */
export function wholeGroups<Row extends { readonly sellerId: number }>(
  page: readonly Row[],
  limit: number,
): readonly Row[] {
  const last = page.at(-1)?.sellerId;
  const whole = page.length < limit ? page : page.filter(({ sellerId }) => sellerId !== last);
  return whole.length > 0 ? whole : page;
}

/** Guarded by the mark: what was submitted, or put off by another run, in the meantime stays. Rows written: 2 each. */
function putOff(db: DrizzleD1Database, due: readonly Due[], remindAt: number) {
  const marks = JSON.stringify(due.map((each) => [each.id, each.number, each.remindAt]));
  return db
    .update(escrowMilestones)
    .set({ remindAt })
    .where(
      sql`(transaction_id, number, remind_at) IN
        (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(${marks}))`,
    );
}

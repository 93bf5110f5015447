import { sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import * as z from "zod";
import { wallAt } from "#engine";
import { findReachable } from "../accounts/index.ts";
import { defineMail, mailOf, type Locale } from "../mail/index.ts";
import { defineShopTask, type ShopServices } from "../services/index.ts";
import { amountText } from "./money.ts";
import { runInRounds, type Round } from "./rounds.ts";
import { ACTIVE_STATES } from "./states.ts";
import { escrowTransactions, IS_ACTIVE } from "./tables.ts";

type ActiveState = (typeof ACTIVE_STATES)[number];

/** A user's active transactions of one side, state and currency, counted. */
interface Sum {
  readonly userId: number;
  readonly side: "buyer" | "seller";
  readonly state: ActiveState;
  readonly currency: string;
  readonly count: number;
  readonly amountMinor: number;
}

const WORDS = {
  en: {
    subject: (date: string) => `Your escrow transactions on ${date}`,
    buyer: {
      title: "You are buying:",
      pending_funding: "Waiting for your payment",
      funded: "Paid, the seller has not started",
      in_progress: "In progress",
      disputed: "In dispute",
    },
    seller: {
      title: "You are selling:",
      pending_funding: "Waiting for the buyer's payment",
      funded: "Paid, waiting for you to start",
      in_progress: "In progress",
      disputed: "In dispute",
    },
  },
  ru: {
    subject: (date: string) => `Ваши безопасные сделки на ${date}`,
    buyer: {
      title: "Вы покупаете:",
      pending_funding: "Ожидают вашей оплаты",
      funded: "Оплачены, продавец ещё не приступил",
      in_progress: "В работе",
      disputed: "Открыт спор",
    },
    seller: {
      title: "Вы продаёте:",
      pending_funding: "Ожидают оплаты покупателем",
      funded: "Оплачены, можно приступать",
      in_progress: "В работе",
      disputed: "Открыт спор",
    },
  },
} as const;

interface Summary {
  /** As 2026-11-21. */
  readonly date: string;
  readonly sums: readonly Sum[];
}

export const transactionSummary = defineMail<Summary>({
  name: "escrow_daily_summary",
  sample: {
    date: "2026-11-21",
    sums: [
      {
        userId: 1,
        side: "buyer",
        state: "in_progress",
        currency: "USD",
        count: 2,
        amountMinor: 300_000,
      },
    ],
  },
  en: (summary) => words(summary, "en"),
  ru: (summary) => words(summary, "ru"),
});

/** A line, or labels with their values. */
type Section = string | { readonly facts: readonly (readonly [label: string, value: string])[] };

function words({ date, sums }: Summary, locale: Locale) {
  const body = (["buyer", "seller"] as const).flatMap((side): Section[] => {
    const labels = WORDS[locale][side];
    const facts = ACTIVE_STATES.flatMap((state) =>
      sums
        .filter((sum) => sum.side === side && sum.state === state)
        .map(({ count, amountMinor, currency }) => {
          const amount = amountText(amountMinor, currency, locale);
          return [labels[state], `${count} (${amount})`] as const;
        }),
    );
    return facts.length === 0 ? [] : [labels.title, { facts }];
  });
  return { subject: WORDS[locale].subject(date), body };
}

/** Users of a round, and rounds of a run. */
const BATCH = 100;
const BUDGET = 20;

/** Tells everybody who takes part in transactions that are not over how these stand: one mail a day. */
export const sendDailyTransactionSummary = defineShopTask({
  name: "send_daily_transaction_summary",
  params: z.object({
    after: z.int().nonnegative().default(0),
    /** Of the run that this one goes on for. Default: that of the day on which the task first runs. */
    date: z.iso.date().optional(),
  }),
  queue: "default",
  autoretryFor: [Error],
  retryBackoff: true,
  handler: async ({ after, date: given }, ctx) => {
    const { timezone, clock } = ctx.services;
    // A retry after midnight goes on with the mails of the day before, instead of sending another of each.
    const date =
      given ??
      (await ctx.once("date", () =>
        new Date(wallAt(timezone, clock.now())).toISOString().slice(0, 10),
      ));
    const round = (from: number) => summarize(ctx.services, date, from, BATCH);
    return runInRounds(ctx, after, BUDGET, round, { date });
  },
});

/** Queues the mails of the next users behind `after`. Repeated on the same day it queues none twice. */
export async function summarize(
  { db, mail, locale: ours }: Pick<ShopServices, "db" | "mail" | "locale">,
  date: string,
  after: number,
  limit: number,
): Promise<Round> {
  const ids = await findParties(db, after, limit);
  const last = ids.at(-1);
  if (last === undefined) return { count: 0, mails: 0, next: null };
  const [sums, users] = await Promise.all([sumsOf(db, ids), findReachable(db, ids)]);
  const byUser = Map.groupBy(sums, ({ userId }) => userId);
  const mails = [...users.values()].flatMap(({ id, email: to, locale }) => {
    const own = byUser.get(id);
    if (own === undefined) return [];
    const key = `escrow-summary:${date}`;
    return mailOf(transactionSummary, {
      ...{ key, to, locale: locale ?? ours },
      props: { date, sums: own },
    });
  });
  const [first, ...rest] = await mail.queue(mails);
  if (first !== undefined) await db.batch([first, ...rest]);
  return { count: ids.length, mails: mails.length, next: ids.length < limit ? null : last };
}

const SIDES = { buyer: escrowTransactions.buyerId, seller: escrowTransactions.sellerId };

/** The next users who take part in something active, by their ids. Reads their own entries of two indexes. */
async function findParties(db: DrizzleD1Database, after: number, limit: number): Promise<number[]> {
  const next = (side: keyof typeof SIDES) =>
    db
      .selectDistinct({ id: SIDES[side] })
      .from(escrowTransactions)
      .where(sql`${IS_ACTIVE} AND ${SIDES[side]} > ${after}`)
      .orderBy(SIDES[side])
      .limit(limit);
  const [buyers, sellers] = await db.batch([next("buyer"), next("seller")]);
  const ids = new Set([...buyers, ...sellers].map(({ id }) => id));
  return [...ids].sort((a, b) => a - b).slice(0, limit);
}

/** What is counted of them: a row per user, side, state and currency, however many transactions that are. */
async function sumsOf(db: DrizzleD1Database, ids: readonly number[]): Promise<Sum[]> {
  const { state, currency, amountMinor } = escrowTransactions;
  const of = (side: keyof typeof SIDES) =>
    db
      .select({
        ...{ userId: SIDES[side], state, currency },
        side: sql<typeof side>`${side}`,
        count: sql<number>`count(*)`,
        amountMinor: sql<number>`sum(${amountMinor})`,
      })
      .from(escrowTransactions)
      .where(
        sql`${IS_ACTIVE} AND ${SIDES[side]} IN
          (SELECT value FROM json_each(${JSON.stringify(ids)}))`,
      )
      .groupBy(SIDES[side], state, currency)
      .orderBy(currency);
  const [bought, sold] = await db.batch([of("buyer"), of("seller")]);
  return [...bought, ...sold] as Sum[];
}

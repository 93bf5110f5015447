import * as z from "zod";
import { findReachable } from "../accounts/index.ts";
import {
  defineMail,
  MAIL_OPTIONS,
  mailOf,
  RecipientRefusedError,
  settleMail,
  type Locale,
} from "../mail/index.ts";
import { defineShopTask } from "../services/index.ts";
import type { EscrowCase, Milestone } from "./decide.ts";
import { findCase, findTold } from "./find-transactions.ts";
import { amountText } from "./money.ts";
import { NOTIFICATION_TYPES, type NotificationType } from "./notification-types.ts";
import { FACTS, TRANSACTION_WORDS } from "./transaction-words.ts";

/** What a side of a transaction is told. */
interface Notice {
  readonly side: "buyer" | "seller";
  readonly transactionId: string;
  readonly title: string;
  /** Minor units, see `amountOf`. */
  readonly amountMinor: number;
  readonly currency: string;
  /** Null: it is about the whole. */
  readonly milestone: string | null;
  /** Null: none was given. */
  readonly reason: string | null;
}

const SAMPLE: Notice = {
  side: "buyer",
  transactionId: "0198b2a4-7c00-8000-8000-000000000000",
  title: "A website for the bakery",
  amountMinor: 150_000,
  currency: "USD",
  milestone: "Design",
  reason: null,
};

/** One template for every type: different words for buyer and seller, in every language. */
const MAILS = new Map(
  NOTIFICATION_TYPES.map((type) => {
    const mail = defineMail<Notice>({
      name: `escrow_${type}`,
      sample: type.startsWith("milestone_") ? SAMPLE : { ...SAMPLE, milestone: null },
      en: (notice) => words(type, notice, "en"),
      ru: (notice) => words(type, notice, "ru"),
    });
    return [type, mail] as const;
  }),
);
export const transactionMails = [...MAILS.values()];

function words(type: NotificationType, notice: Notice, locale: Locale) {
  const { side, transactionId, title, currency, milestone, reason } = notice;
  const amount = amountText(notice.amountMinor, currency, locale);
  const { subject, ...sentences } = TRANSACTION_WORDS[locale][type]({
    title,
    amount,
    milestone: milestone ?? "",
  });
  const labels = FACTS[locale];
  const facts = [
    [labels.transaction, transactionId],
    ...(milestone === null ? [] : [[labels.milestone, milestone] as const]),
    [labels.amount, amount],
    ...(reason === null ? [] : [[labels.reason, reason] as const]),
  ] as const;
  return { subject, body: [sentences[side], { facts }] };
}

/** What it is about: the milestone, what goes back to the buyer, or the whole (also of the last approval). */
function amountOf(
  type: NotificationType,
  { transaction, milestones }: EscrowCase,
  milestone: Milestone | undefined,
): number {
  if (type !== "refunded") {
    return (type === "completed" ? transaction : (milestone ?? transaction)).amountMinor;
  }
  return milestones
    .filter(({ state }) => state === "closed")
    .reduce((total, { amountMinor }) => total + amountMinor, 0);
}

/** Events whose detail is a reason, for both sides to read. */
const WITH_REASON = new Set<string>(["dispute", "cancel", "refund", "release", "reject"]);

/** A task is to tell of something that never happened: no retry will find it. */
export class NothingToTellError extends Error {
  override readonly name = "NothingToTellError";
}

/**
 * Tells buyer and seller what happened to their transaction: one mail each, in their language. Without
 * `change` (the number of the change) it tells of the newest of that kind.
 */
export const sendTransactionNotification = defineShopTask({
  name: "send_transaction_notification",
  params: z.object({
    transaction_id: z.string().max(64),
    notification_type: z.enum(NOTIFICATION_TYPES),
    change: z.int().positive().optional(),
  }),
  ...MAIL_OPTIONS,
  dontAutoretryFor: [...MAIL_OPTIONS.dontAutoretryFor, NothingToTellError],
  handler: async (
    { transaction_id: id, notification_type: type, change: number },
    { taskId, services: { db, mail, locale: ours } },
  ) => {
    const [found, told] = await Promise.all([findCase(db, id), findTold(db, id, type, number)]);
    const template = MAILS.get(type);
    if (found === null || told === null || template === undefined) {
      throw new NothingToTellError(`Transaction ${id} was never ${type}.`);
    }
    const { transaction, milestones } = found;
    const milestone = milestones.find((each) => each.number === told.milestone);
    const notice = {
      transactionId: id,
      title: transaction.title,
      amountMinor: amountOf(type, found, milestone),
      currency: transaction.currency,
      milestone: milestone?.title ?? null,
      reason: WITH_REASON.has(told.event) ? told.detail : null,
    };
    const { buyerId, sellerId } = transaction;
    const users = await findReachable(db, [buyerId, sellerId]);
    const sides = [
      { side: "buyer", user: users.get(buyerId) },
      { side: "seller", user: users.get(sellerId) },
    ] as const;
    const mails = sides.flatMap(({ side, user }) =>
      user === undefined
        ? []
        : mailOf(template, {
            key: taskId,
            to: user.email,
            locale: user.locale ?? ours,
            props: { ...notice, side },
          }),
    );
    const outcomes = await mail.send(mails);
    // Sent again to both: the desk knows who has it.
    const open = outcomes.find((each) => each.status === "failed" && !each.isPermanent);
    const unsent = open && settleMail(open, null);
    if (unsent?.status === "rejected") throw unsent.reason;
    const sent = outcomes.filter(({ status }) => status === "sent").length;
    if (sent === 0) throw new RecipientRefusedError("Neither buyer nor seller can be written to.");
    return { sent_count: sent, failed_count: sides.length - sent };
  },
});

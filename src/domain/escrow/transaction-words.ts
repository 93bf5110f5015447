import type { Locale } from "../mail/index.ts";
import type { NotificationType } from "./notification-types.ts";

/** What the sentences are made with. */
export interface Told {
  readonly title: string;
  /** What it is about, with its currency: the milestone, what goes back, or the whole. */
  readonly amount: string;
  /** The milestone's title; empty: it is about the whole. */
  readonly milestone: string;
}

/** A subject, and what it means for each side. */
interface Sentences {
  readonly subject: string;
  readonly buyer: string;
  readonly seller: string;
}

type Sentence = (told: Told) => Sentences;

const en: Readonly<Record<NotificationType, Sentence>> = {
  created: ({ title, amount }) => ({
    subject: `Escrow “${title}” was created`,
    buyer: `Please pay ${amount} into escrow. The money is held until you approve the seller's work.`,
    seller: `The buyer was asked to pay ${amount} into escrow. Please start only when we tell you that the money is there.`,
  }),
  funded: ({ title, amount }) => ({
    subject: `Escrow “${title}” is funded`,
    buyer: `Your ${amount} has arrived. It is held until you approve the seller's work.`,
    seller: `The buyer's ${amount} is held in escrow. You can start now.`,
  }),
  in_progress: ({ title }) => ({
    subject: `Work on “${title}” has started`,
    buyer: "The seller has started. You will hear from us when a milestone is delivered.",
    seller:
      "You have started. Submit each milestone when it is done: once the buyer approves it, its money is yours.",
  }),
  disputed: ({ title }) => ({
    subject: `There is a dispute about “${title}”`,
    buyer:
      "The money that is still held stays in escrow until the dispute is settled; none of it goes to the seller before.",
    seller:
      "The money that is still held stays in escrow until the dispute is settled. No milestone can be submitted before.",
  }),
  cancelled: ({ title }) => ({
    subject: `Escrow “${title}” was cancelled`,
    buyer: "Nothing was paid, and nothing is due any more.",
    seller: "Nothing was paid. Please don't start.",
  }),
  refunded: ({ title, amount }) => ({
    subject: `Escrow “${title}” was refunded`,
    buyer: `What was still held in escrow goes back to you: ${amount}.`,
    seller: `What was still held in escrow goes back to the buyer: ${amount}. What was released to you before stays yours.`,
  }),
  completed: ({ title }) => ({
    subject: `Escrow “${title}” is completed`,
    buyer: "What was still held in escrow was released to the seller. Thank you!",
    seller: "What was still held in escrow was released to you. Thank you!",
  }),
  milestone_submitted: ({ title, milestone, amount }) => ({
    subject: `“${title}”: “${milestone}” was delivered`,
    buyer: `Please look at it, and approve it or send it back. When you approve it, ${amount} is released to the seller.`,
    seller: `The buyer was asked to approve it. Then ${amount} is released to you.`,
  }),
  milestone_approved: ({ title, milestone, amount }) => ({
    subject: `“${title}”: “${milestone}” was approved`,
    buyer: `${amount} was released to the seller.`,
    seller: `${amount} was released to you.`,
  }),
  milestone_rejected: ({ title, milestone }) => ({
    subject: `“${title}”: “${milestone}” was sent back`,
    buyer: "The seller was told what is missing and will deliver it again.",
    seller: "The buyer has sent it back. Please mend what is missing and submit it again.",
  }),
};

const ru: Readonly<Record<NotificationType, Sentence>> = {
  created: ({ title, amount }) => ({
    subject: `Безопасная сделка «${title}» создана`,
    buyer: `Пожалуйста, внесите ${amount}. Деньги будут храниться у нас, пока вы не примете работу продавца.`,
    seller: `Покупатель должен внести ${amount}. Приступайте к работе только после нашего сообщения о том, что деньги поступили.`,
  }),
  funded: ({ title, amount }) => ({
    subject: `Безопасная сделка «${title}» оплачена`,
    buyer: `Ваш платёж поступил: ${amount}. Деньги хранятся у нас, пока вы не примете работу продавца.`,
    seller: `Платёж покупателя поступил: ${amount}. Можно приступать к работе.`,
  }),
  in_progress: ({ title }) => ({
    subject: `Работа по сделке «${title}» началась`,
    buyer: "Продавец приступил к работе. Мы сообщим, когда он сдаст этап.",
    seller:
      "Вы приступили к работе. Сдавайте каждый этап, как только он готов: когда покупатель его примет, деньги за этап ваши.",
  }),
  disputed: ({ title }) => ({
    subject: `По сделке «${title}» открыт спор`,
    buyer:
      "Деньги, которые ещё хранятся у нас, останутся здесь до решения спора; продавцу они пока не перечисляются.",
    seller:
      "Деньги, которые ещё хранятся у нас, останутся здесь до решения спора. Сдавать этапы пока нельзя.",
  }),
  cancelled: ({ title }) => ({
    subject: `Сделка «${title}» отменена`,
    buyer: "Оплата не поступала, и платить больше не нужно.",
    seller: "Оплата не поступала. Пожалуйста, не приступайте к работе.",
  }),
  refunded: ({ title, amount }) => ({
    subject: `По сделке «${title}» оформлен возврат`,
    buyer: `Остаток, который хранился у нас, возвращается вам: ${amount}.`,
    seller: `Остаток, который хранился у нас, возвращается покупателю: ${amount}. То, что было перечислено вам раньше, остаётся у вас.`,
  }),
  completed: ({ title }) => ({
    subject: `Сделка «${title}» завершена`,
    buyer: "Деньги, которые ещё хранились у нас, перечислены продавцу. Спасибо!",
    seller: "Деньги, которые ещё хранились у нас, перечислены вам. Спасибо!",
  }),
  milestone_submitted: ({ title, milestone, amount }) => ({
    subject: `«${title}»: этап «${milestone}» сдан`,
    buyer: `Пожалуйста, проверьте работу и примите этап или верните его на доработку. После приёмки продавец получит ${amount}.`,
    seller: `Мы попросили покупателя принять этап. После приёмки вы получите ${amount}.`,
  }),
  milestone_approved: ({ title, milestone, amount }) => ({
    subject: `«${title}»: этап «${milestone}» принят`,
    buyer: `Продавцу перечислено ${amount}.`,
    seller: `Вам перечислено ${amount}.`,
  }),
  milestone_rejected: ({ title, milestone }) => ({
    subject: `«${title}»: этап «${milestone}» возвращён на доработку`,
    buyer: "Мы сообщили продавцу, что нужно исправить. Он сдаст этап ещё раз.",
    seller: "Покупатель вернул этап на доработку. Исправьте замечания и сдайте его ещё раз.",
  }),
};

/** What both sides are told of a transaction. */
export const TRANSACTION_WORDS: Readonly<
  Record<Locale, Readonly<Record<NotificationType, Sentence>>>
> = { en, ru };

export const FACTS = {
  en: { transaction: "Transaction", amount: "Amount", milestone: "Milestone", reason: "Reason" },
  ru: { transaction: "Сделка", amount: "Сумма", milestone: "Этап", reason: "Причина" },
} as const;

import * as z from "zod";
import { findReachable } from "../accounts/index.ts";
import {
  defineMail,
  MAIL_OPTIONS,
  mailOf,
  RecipientRefusedError,
  settleMail,
} from "../mail/index.ts";
import { defineShopTask } from "../services/index.ts";
import { findTold } from "./find-transactions.ts";
import { NothingToTellError } from "./transaction-notification.ts";
import { subjectOf } from "./verification-rows.ts";
import { VERIFICATION_STATUSES, type VerificationStatus } from "./verification-states.ts";

interface Outcome {
  readonly status: VerificationStatus;
  /** Null: none was given. */
  readonly reason: string | null;
}

const WORDS = {
  en: {
    PENDING: {
      subject: "We are checking your details",
      body: "We have received your details as a seller. We will tell you as soon as they are checked.",
    },
    VERIFIED: {
      subject: "You are a verified seller",
      body: "Your details are checked. Buyers can now pay into escrow for your work.",
    },
    REJECTED: {
      subject: "We could not verify you as a seller",
      body: "Your details could not be confirmed. You can correct them and submit them again.",
    },
  },
  ru: {
    PENDING: {
      subject: "Мы проверяем ваши данные",
      body: "Мы получили ваши данные продавца и сообщим, как только проверим их.",
    },
    VERIFIED: {
      subject: "Вы — проверенный продавец",
      body: "Ваши данные проверены. Теперь покупатели могут оплачивать безопасные сделки с вами.",
    },
    REJECTED: {
      subject: "Не удалось подтвердить ваши данные продавца",
      body: "Подтвердить ваши данные не удалось. Вы можете исправить их и отправить ещё раз.",
    },
  },
} as const;

export const sellerVerification = defineMail<Outcome>({
  name: "seller_verification",
  sample: { status: "REJECTED", reason: "The registration number is not in the register." },
  en: ({ status, reason }) => {
    const { subject, body } = WORDS.en[status];
    return { subject, body: reason === null ? [body] : [body, `Reason: ${reason}`] };
  },
  ru: ({ status, reason }) => {
    const { subject, body } = WORDS.ru[status];
    return { subject, body: reason === null ? [body] : [body, `Причина: ${reason}`] };
  },
});

/** Tells sellers how their verification stands. Without `change` it tells of the newest of that status. */
export const sendVerificationNotification = defineShopTask({
  name: "send_verification_notification",
  params: z.object({
    user_id: z.int().positive(),
    verification_status: z.enum(VERIFICATION_STATUSES),
    change: z.int().positive().optional(),
  }),
  ...MAIL_OPTIONS,
  dontAutoretryFor: [...MAIL_OPTIONS.dontAutoretryFor, NothingToTellError],
  handler: async (
    { user_id: userId, verification_status: status, change: number },
    { taskId, services: { db, mail, locale: ours } },
  ) => {
    const told = await findTold(db, subjectOf(userId), status, number);
    const user = (await findReachable(db, [userId])).get(userId);
    if (told === null) {
      throw new NothingToTellError(`The verification of user ${userId} was never ${status}.`);
    }
    if (user === undefined) throw new RecipientRefusedError("The seller can't be written to.");
    const locale = user.locale ?? ours;
    const props = { status, reason: told.detail };
    const [outcome] = await mail.send([
      mailOf(sellerVerification, { key: taskId, to: user.email, locale, props }),
    ]);
    const settled = settleMail(outcome, { sent_count: 1, failed_count: 0 });
    if (settled.status === "rejected") throw settled.reason;
    return settled.value;
  },
});

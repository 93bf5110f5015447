import { defineMail, mailOf, type Locale, type MailRequest } from "../mail/index.ts";
import type { Account } from "./find-users.ts";

interface Change {
  readonly username: string;
  readonly publicUrl: string;
}

const SAMPLE: Change = { username: "newuser", publicUrl: "https://shop.example.com" };

export const passwordChanged = defineMail<Change>({
  name: "password_changed",
  sample: SAMPLE,
  en: ({ username, publicUrl }) => ({
    subject: "Your password was changed",
    body: [
      `The password of your account ${username} was changed, and all other devices were signed out.`,
      "If it wasn't you, ask for a new password with this address at once.",
      { link: publicUrl, label: "To the shop" },
    ],
  }),
  ru: ({ username, publicUrl }) => ({
    subject: "Ваш пароль изменён",
    body: [
      `Пароль учётной записи ${username} изменён, на всех остальных устройствах выполнен выход.`,
      "Если это были не вы, немедленно запросите новый пароль по этому адресу.",
      { link: publicUrl, label: "Перейти в магазин" },
    ],
  }),
});

export const passwordWasReset = defineMail<Change>({
  name: "password_was_reset",
  sample: SAMPLE,
  en: ({ username, publicUrl }) => ({
    subject: "Your password was reset",
    body: [
      `A new password was set for your account ${username} with a link from an e-mail to this address. All devices were signed out.`,
      "If it wasn't you, somebody else reads your e-mail: secure your mailbox first, then ask for a new password.",
      { link: publicUrl, label: "To the shop" },
    ],
  }),
  ru: ({ username, publicUrl }) => ({
    subject: "Ваш пароль сброшен",
    body: [
      `Для учётной записи ${username} задан новый пароль по ссылке из письма на этот адрес. На всех устройствах выполнен выход.`,
      "Если это были не вы, ваши письма читает кто-то ещё: сначала защитите почтовый ящик, затем запросите новый пароль.",
      { link: publicUrl, label: "Перейти в магазин" },
    ],
  }),
});

/** To the address that an account had before. */
export const emailChanged = defineMail<Change>({
  name: "email_changed",
  sample: SAMPLE,
  en: ({ username, publicUrl }) => ({
    subject: "The e-mail address of your account was changed",
    body: [
      `Your account ${username} has another e-mail address now; its mail no longer comes here.`,
      "If it wasn't you, somebody knows your password: write to the shop.",
      { link: publicUrl, label: "To the shop" },
    ],
  }),
  ru: ({ username, publicUrl }) => ({
    subject: "Адрес эл. почты вашей учётной записи изменён",
    body: [
      `У учётной записи ${username} теперь другой адрес эл. почты; письма на этот адрес больше не приходят.`,
      "Если это были не вы, кто-то знает ваш пароль: напишите в магазин.",
      { link: publicUrl, label: "Перейти в магазин" },
    ],
  }),
});

/** The notice of a change; none for an account whose address is another's. */
export function noticeOf(
  template: typeof passwordChanged,
  account: Account,
  { key, locale, publicUrl }: { key: string; locale: Locale; publicUrl: string },
): MailRequest[] {
  if (!account.ownsEmail) return [];
  const props = { username: account.username, publicUrl };
  return [mailOf(template, { key, to: account.email, locale: account.locale ?? locale, props })];
}

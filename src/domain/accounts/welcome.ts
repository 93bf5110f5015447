import * as z from "zod";
import { defineMail, MAIL_OPTIONS, mailOf } from "../mail/index.ts";
import { defineShopTask } from "../services/index.ts";
import { findUsers, UserNotFoundError } from "./find-users.ts";
import { sendNow } from "./parts.ts";

interface Welcome {
  readonly username: string;
  readonly email: string;
  /** "" when they gave none. */
  readonly fullName: string;
  /** ISO date. */
  readonly since: string;
  readonly publicUrl: string;
}

export const welcome = defineMail<Welcome>({
  name: "welcome",
  sample: {
    username: "newuser",
    email: "user@example.com",
    fullName: "New User",
    since: "2026-11-21",
    publicUrl: "https://shop.example.com",
  },
  en: ({ username, email, fullName, since, publicUrl }) => ({
    subject: `Welcome, ${fullName || username}!`,
    body: [
      "Your account has been created. These are its details:",
      {
        facts: [
          ["User name", username],
          ["E-mail", email],
          ...(fullName === "" ? [] : [["Name", fullName] as const]),
          ["Registered", since],
        ],
      },
      { link: publicUrl, label: "To the shop" },
      "If this wasn't you, somebody has given your address by mistake or without asking you. Set a new password for this address: the account is yours then, and whoever made it is signed out.",
    ],
  }),
  ru: ({ username, email, fullName, since, publicUrl }) => ({
    subject: `Добро пожаловать, ${fullName || username}!`,
    body: [
      "Ваша учётная запись создана. Её данные:",
      {
        facts: [
          ["Имя пользователя", username],
          ["Эл. почта", email],
          ...(fullName === "" ? [] : [["Имя", fullName] as const]),
          ["Дата регистрации", since],
        ],
      },
      { link: publicUrl, label: "Перейти в магазин" },
      "Если это были не вы, кто-то указал ваш адрес по ошибке или без вашего ведома. Задайте новый пароль для этого адреса: учётная запись станет вашей, а на всех чужих устройствах будет выполнен выход.",
    ],
  }),
});

/** To whoever owns the address that a newcomer gave. */
export const addressInUse = defineMail<{ readonly username: string; readonly publicUrl: string }>({
  name: "address_in_use",
  sample: { username: "newuser", publicUrl: "https://shop.example.com" },
  en: ({ username, publicUrl }) => ({
    subject: "Somebody registered with your e-mail address",
    body: [
      `An account with the user name ${username} was made with your e-mail address, which belongs to another account already. The new one has no part in your account and cannot reset its password.`,
      "If it was you: you have an account here. If you forgot its password, ask for a new one with this address. To keep the new account, give it another address in its profile.",
      "If it wasn't you, there is nothing to do.",
      { link: publicUrl, label: "To the shop" },
    ],
  }),
  ru: ({ username, publicUrl }) => ({
    subject: "Кто-то зарегистрировался с вашим адресом эл. почты",
    body: [
      `С вашим адресом эл. почты создана учётная запись с именем пользователя ${username}, хотя этот адрес уже принадлежит другой учётной записи. К вашей учётной записи новая не имеет доступа и сбросить её пароль не может.`,
      "Если это были вы: у вас уже есть учётная запись. Если вы забыли пароль, запросите новый по этому адресу. Чтобы пользоваться новой учётной записью, укажите в её профиле другой адрес.",
      "Если это были не вы, делать ничего не нужно.",
      { link: publicUrl, label: "Перейти в магазин" },
    ],
  }),
});

/** Whoever knows no more than an account's id learns no address by it. */
const RESULT = {
  en: {
    welcomed: "Welcome email sent.",
    told: "The address belongs to another account; its owner was told.",
  },
  ru: {
    welcomed: "Приветственное письмо отправлено.",
    told: "Адрес принадлежит другой учётной записи; владелец адреса предупреждён.",
  },
};

/** Welcomes a new account by mail; or, when its address is another's, tells that one, once a day at most. */
export const sendWelcomeEmail = defineShopTask({
  name: "send_welcome_email",
  params: z.object({ user_id: z.int().positive() }),
  ...MAIL_OPTIONS,
  dontAutoretryFor: [...MAIL_OPTIONS.dontAutoretryFor, UserNotFoundError],
  handler: async ({ user_id: userId }, { taskId, services }) => {
    const user = (await findUsers(services.db, [userId])).get(userId);
    if (user === undefined) throw new UserNotFoundError(userId);
    const { username, email, firstName, lastName, createdAt, ownsEmail } = user;
    const { mail, publicUrl } = services;
    const locale = user.locale ?? services.locale;
    const since = new Date(createdAt).toISOString().slice(0, 10);
    if (!ownsEmail) {
      const to = email.toLowerCase();
      const key = `address_in_use:${since}`;
      const props = { username, publicUrl };
      await sendNow(mail, mailOf(addressInUse, { key, to, locale, props }));
      return RESULT[locale].told;
    }
    const fullName = `${firstName} ${lastName}`.trim();
    const props = { username, email, fullName, since, publicUrl };
    await sendNow(mail, mailOf(welcome, { key: taskId, to: email, locale, props }));
    return RESULT[locale].welcomed;
  },
});

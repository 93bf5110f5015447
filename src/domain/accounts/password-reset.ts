import { eq, sql } from "drizzle-orm";
import * as z from "zod";
import { defineMail, MAIL_OPTIONS, mailOf } from "../mail/index.ts";
import { defineShopTask, failUnless } from "../services/index.ts";
import { findAccount, findUsers, UserNotFoundError } from "./find-users.ts";
import { noticeOf, passwordWasReset } from "./notices.ts";
import { contextOf, passwordsOf, sendNow, type AccountParts, type Refusal } from "./parts.ts";
import { passwordFault } from "./password-rules.ts";
import { closeResets, findLink, openLink } from "./reset-links.ts";
import { revokeSessions } from "./sessions.ts";
import { users } from "./tables.ts";
import { countTry, forgive } from "./tries.ts";

/** Stands for an address that nobody has: the task is called all the same, and does nothing. */
const NOBODY = 0;

export const passwordReset = defineMail<{ readonly username: string; readonly link: string }>({
  name: "password_reset",
  isSecret: true,
  sample: {
    username: "newuser",
    link: "https://shop.example.com/password-reset/?lang=en#lvr_1_…",
  },
  en: ({ username, link }) => ({
    subject: "Set a new password",
    body: [
      `Somebody asked for a new password for your account ${username}. This link sets it; it works once, for 30 minutes:`,
      { link, label: "Set a new password" },
      "If it wasn't you, there is nothing to do: without the link nothing changes.",
    ],
  }),
  ru: ({ username, link }) => ({
    subject: "Новый пароль",
    body: [
      `Для вашей учётной записи ${username} запросили новый пароль. Задать его можно по этой ссылке; она действует один раз, в течение 30 минут:`,
      { link, label: "Задать новый пароль" },
      "Если это были не вы, делать ничего не нужно: без ссылки ничего не изменится.",
    ],
  }),
});

/** Whoever knows no more than an account's id learns no address by it. */
const RESULT = {
  en: {
    sent: "Password reset email sent.",
    over: "The link was used or replaced already; nothing was sent.",
    nobody: "No account owns this address; nothing was sent.",
  },
  ru: {
    sent: "Письмо для сброса пароля отправлено.",
    over: "Ссылка уже использована или заменена; ничего не отправлено.",
    nobody: "Ни одна учётная запись не владеет этим адресом; ничего не отправлено.",
  },
};

/**
 * Mails a link that sets a new password. The link is made here and is nowhere else but in the mail; run
 * again the task sends the same one.
 */
export const sendPasswordResetEmail = defineShopTask({
  name: "send_password_reset_email",
  params: z.object({ user_id: z.int().nonnegative() }),
  ...MAIL_OPTIONS,
  dontAutoretryFor: [...MAIL_OPTIONS.dontAutoretryFor, UserNotFoundError],
  handler: async ({ user_id: userId }, { taskId, services }) => {
    const { db, clock, mail, publicUrl } = services;
    if (userId === NOBODY) return RESULT[services.locale].nobody;
    const user = (await findUsers(db, [userId])).get(userId);
    if (user === undefined) throw new UserNotFoundError(userId);
    const locale = user.locale ?? services.locale;
    if (!user.ownsEmail) return RESULT[locale].nobody;
    const key = services.keyFor("password-reset");
    const token = await openLink(db, { userId, taskId, email: user.email, key }, clock.now());
    if (token === null) return RESULT[locale].over;
    const link = `${publicUrl}/password-reset/?lang=${locale}#${token}`;
    const props = { username: user.username, link };
    await sendNow(mail, mailOf(passwordReset, { key: taskId, to: user.email, locale, props }));
    return RESULT[locale].sent;
  },
});

/** Asks for a link to be mailed to an address. The same is done, and answered, whether it is known or not. */
export async function requestReset(
  parts: AccountParts,
  { email, address }: { readonly email: string; readonly address: string },
): Promise<{ readonly kind: "requested" } | Refusal> {
  const { db, lovage, outbox, background } = parts;
  const counted = await countTry(parts, { trial: "reset", account: email, address });
  if ("retryAfterSeconds" in counted) return { kind: "wait", ...counted };
  const [owner] = await db
    .select({ id: users.id })
    .from(users)
    .where(sql`lower(email) = lower(${email}) AND owns_email = 1`);
  const call = sendPasswordResetEmail.s({ user_id: owner?.id ?? NOBODY });
  const tasks = await lovage.prepareRepeatable([call]);
  await db.batch([outbox.insert(tasks)]);
  background(outbox.relay(tasks));
  return { kind: "requested" };
}

/**
 * Sets a new password by a link, ends all sessions and forgets the failed logins, in one batch with the
 * notice: of two at the same time one is `wrong`.
 */
export async function confirmReset(
  parts: AccountParts,
  { token, newPassword, address }: { token: string; newPassword: string; address: string },
): Promise<{ readonly kind: "changed" } | Refusal> {
  const { db, mail, clock, background } = parts;
  const counted = await countTry(parts, { trial: "confirm", account: "", address });
  if ("retryAfterSeconds" in counted) return { kind: "wait", ...counted };
  const link = await findLink(db, token, clock.now());
  const user = link === null ? null : await findAccount(db, { id: link.userId });
  if (link === null || user === null) return { kind: "wrong" };
  const fault = passwordFault(newPassword, contextOf(user));
  if (fault !== null) return { kind: "weak", fault };
  const passwordHash = await passwordsOf(parts).hash(newPassword);
  const now = clock.now();
  const key = `password_was_reset:${link.secretHash.slice(0, 16)}`;
  const notices = noticeOf(passwordWasReset, user, { ...parts, key });
  const isOpen = sql`EXISTS (SELECT 1 FROM password_resets WHERE user_id = ${user.id}
    AND secret_hash = ${link.secretHash} AND closed_at IS NULL AND expires_at > ${now})`;
  try {
    await db.batch([
      failUnless(db, isOpen),
      db.update(users).set({ passwordHash }).where(eq(users.id, user.id)),
      closeResets(db, user.id, now),
      revokeSessions(db, user.id),
      ...(await forgive(parts, user.username)),
      ...(await mail.queue(notices)),
    ]);
  } catch (error) {
    const isDone = (await findAccount(db, { id: user.id }))?.passwordHash === passwordHash;
    // Used by somebody else in the meantime, or over; or the answer got lost after the commit.
    if (!isDone && (await findLink(db, token, clock.now())) !== null) throw error;
    if (!isDone) return { kind: "wrong" };
  }
  background(mail.send(notices).then(() => undefined));
  return { kind: "changed" };
}

import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import PostalMime from "postal-mime";
import { expect, it, onTestFinished } from "vitest";
import { LocalServer } from "../../scripts/local-server.ts";
import { OpenSmtpd, whyNoOpenSmtpd } from "../mail/opensmtpd.ts";

const PORT = 9_137;
const SMTP_PORT = 9_138;
/** A run that was broken off leaves its mails in the queue of the machine. */
const RUN = randomUUID();
const PEOPLE = Array.from({ length: 20 }, (_, id) => `c${id}.${RUN}@example.com`);
const SUBJECT = "Ваш заказ № 42 принят — thank you! 💸";
const reason = await whyNoOpenSmtpd();
if (reason !== null) console.warn(`Mail through OpenSMTPD is not tested: ${reason}.`);

it.skipIf(reason !== null)("OpenSMTPD delivers what the Worker sent, once to each", async () => {
  const state = mkdtempSync(join(tmpdir(), "lovage-opensmtpd-"));
  onTestFinished(() => {
    rmSync(state, { recursive: true, force: true });
  });
  const smtp = await OpenSmtpd.start(SMTP_PORT, state);
  onTestFinished(() => smtp.stop());
  const server = await LocalServer.start({
    ...{ port: PORT, config: "wrangler.toml", state },
    vars: {
      MAIL_TRANSPORT: "smtp",
      MAIL_FROM: "Лавка <shop@example.com>",
      SMTP_HOST: "localhost",
      SMTP_PORT: String(SMTP_PORT),
      SMTP_SECURITY: "none",
    },
  });
  onTestFinished(() => server.kill());
  const answer = await fetch(`${server.url}/api/tasks/`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      name: "send_email_notification",
      kwargs: { subject: SUBJECT, message: "Здравствуйте!\n\n.dot", recipient_list: PEOPLE },
    }),
  });
  const { task_id: id } = await answer.json<{ task_id: string }>();
  const task = await fetch(`${server.url}/api/tasks/${id}/?wait=30`);
  expect(await task.json()).toMatchObject({ state: "SUCCESS", result: { sent_count: 20 } });
  const delivered = () => smtp.delivered().filter((raw) => raw.includes(RUN));
  await expect.poll(() => delivered().length, { timeout: 10_000 }).toBe(PEOPLE.length);
  const mails = await Promise.all(delivered().map((raw) => PostalMime.parse(raw)));
  expect(mails.map(({ to }) => to?.[0]?.address ?? "").toSorted()).toEqual(PEOPLE.toSorted());
  for (const mail of mails) {
    expect(mail.subject).toBe(SUBJECT);
    expect(mail.from).toEqual({ name: "Лавка", address: "shop@example.com" });
    expect(mail.text?.split(/\r?\n/)).toEqual(expect.arrayContaining(["Здравствуйте!", ".dot"]));
  }
});

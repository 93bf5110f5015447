import { expect, it, vi } from "vitest";
import { MailStoppedError, MailUnavailableError, type MailMessage } from "#domain/mail";
import {
  createCloudflareTransport,
  type EmailBinding,
} from "../../../src/integrations/mail/cloudflare-transport.ts";

type Sent = Parameters<EmailBinding["send"]>[0];

function message(to: string): MailMessage {
  return {
    messageId: `<${to}>`,
    taskId: "task",
    template: "plain",
    to,
    subject: "Subject",
    text: "text",
    html: "<p>text</p>",
    headers: { "List-Unsubscribe": "<https://shop.example.com/u/>" },
  };
}

/** A binding that throws errors with the code that stands before the @ of an address. */
class Binding implements EmailBinding {
  readonly sent: Sent[] = [];
  running = 0;
  most = 0;

  async send(mail: Sent) {
    this.running += 1;
    this.most = Math.max(this.most, this.running);
    await Promise.resolve();
    this.running -= 1;
    const code = /^E_[A-Z_]+/.exec(mail.to)?.[0];
    if (code !== undefined) throw Object.assign(new Error("It said so."), { code });
    if (mail.to.startsWith("broken")) throw new Error("Network connection lost.");
    this.sent.push(mail);
    return { messageId: `<${this.sent.length}@cloudflare>` };
  }
}

const send = (binding: Binding, ...to: string[]) =>
  createCloudflareTransport(binding, "My Shop <shop@example.com>").sendBatch(to.map(message), "k");

it("a mail goes out with its sender's name, its headers and our id under a name that is allowed", async () => {
  const binding = new Binding();
  expect(await send(binding, "a@example.com")).toEqual([
    { status: "sent", providerId: "<1@cloudflare>" },
  ]);
  const { subject, text, html, headers } = message("a@example.com");
  expect(binding.sent).toEqual([
    {
      ...{ subject, text, html, to: "a@example.com" },
      from: { name: "My Shop", email: "shop@example.com" },
      headers: { ...headers, "X-Lovage-Message-ID": "<a@example.com>" },
    },
  ]);
});

it("fifty mails go out six at a time, one outcome each, in their order", async () => {
  const binding = new Binding();
  const to = Array.from({ length: 50 }, (_, n) => `m${n}@example.com`);
  const outcomes = await send(binding, ...to);
  expect(outcomes.every(({ status }) => status === "sent")).toBe(true);
  expect(binding.most).toBe(6);
  expect(new Set(binding.sent.map((mail) => mail.to)).size).toBe(50);
});

it.each([
  ["E_RECIPIENT_SUPPRESSED", { isPermanent: true, isBounce: true }],
  ["E_VALIDATION_ERROR", { isPermanent: true }],
  ["E_HEADER_NOT_ALLOWED", { isPermanent: true }],
  ["E_RECIPIENT_NOT_ALLOWED", { isPermanent: true }],
  ["E_DELIVERY_FAILED", { isPermanent: false, isUnknown: true }],
  ["E_INTERNAL_SERVER_ERROR", { isPermanent: false, isUnknown: true }],
])("%s is of one mail and keeps no other back", async (code, failure) => {
  const outcomes = await send(new Binding(), `${code}@example.com`, "b@example.com");
  expect(outcomes[0]).toEqual({
    status: "failed",
    reason: `Cloudflare: ${code} It said so.`,
    ...failure,
  });
  expect(outcomes[1]?.status).toBe("sent");
});

it("an error without a code leaves open what became of the mail", async () => {
  expect(await send(new Binding(), "broken@example.com")).toMatchObject([
    { isPermanent: false, isUnknown: true, reason: "Cloudflare: Network connection lost." },
  ]);
});

it.each([
  ["E_RATE_LIMIT_EXCEEDED", MailUnavailableError],
  ["E_DAILY_LIMIT_EXCEEDED", MailUnavailableError],
  ["E_SENDER_NOT_VERIFIED", MailStoppedError],
  ["E_SENDER_DOMAIN_NOT_AVAILABLE", MailStoppedError],
])("%s: none goes out, and few are tried", async (code, kind) => {
  const binding = new Binding();
  const to = Array.from({ length: 50 }, (_, n) => `${code}.${n}@example.com`);
  await expect(send(binding, ...to)).rejects.toBeInstanceOf(kind);
  expect(binding.most).toBeLessThanOrEqual(6);
});

it("a limit that is met half-way: what went out is out, the rest was not asked for", async () => {
  const binding = new Binding();
  const to = Array.from({ length: 30 }, (_, n) => `m${n}@example.com`);
  const outcomes = await send(binding, ...to, "E_DAILY_LIMIT_EXCEEDED@example.com", ...to);
  expect(outcomes.slice(0, 30).every(({ status }) => status === "sent")).toBe(true);
  expect(outcomes.at(-1)).toEqual({
    status: "failed",
    isPermanent: false,
    reason: "Cloudflare: E_DAILY_LIMIT_EXCEEDED It said so.",
  });
  expect(binding.sent.length).toBeLessThan(36);
});

it("a binding that doesn't answer: what it was asked for may be out, the rest was not asked for", async () => {
  const deadline = new AbortController();
  vi.spyOn(AbortSignal, "timeout").mockReturnValue(deadline.signal);
  const binding = new Binding();
  binding.send = () => {
    binding.running += 1;
    if (binding.running === 6) deadline.abort();
    return new Promise(() => undefined);
  };
  const outcomes = await send(binding, ...Array.from({ length: 10 }, (_, n) => `m${n}@x.example`));
  vi.restoreAllMocks();
  expect(outcomes.map((outcome) => "isUnknown" in outcome)).toEqual([
    ...Array.from({ length: 6 }, () => true),
    ...Array.from({ length: 4 }, () => false),
  ]);
});

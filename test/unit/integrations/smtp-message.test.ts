import PostalMime from "postal-mime";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { MailMessage } from "../../../src/domain/mail/index.ts";
import { createSmtpTransport } from "../../../src/integrations/mail/smtp-transport.ts";
import { MailServer } from "../../mail/mail-server.ts";

const NOW = Date.UTC(2026, 10, 21, 12, 30, 15);
let server: MailServer;

beforeAll(async () => {
  server = await MailServer.start();
});

beforeEach(() => {
  server.book.length = 0;
});

afterAll(() => server.close());

const MAIL: MailMessage = {
  messageId: "<0123456789abcdef@lovage.invalid>",
  taskId: "task",
  template: "test",
  to: "anna@example.com",
  subject: "Your order",
  text: "Hello.\n",
  html: "<p>Hello.</p>\n",
  headers: {},
};

/** A message as it came out at the other end. */
async function receive(given: Partial<MailMessage>, from = "Shop <shop@example.com>") {
  const transport = createSmtpTransport(
    { host: "localhost", port: server.port, security: "none", login: null, connections: 1, from },
    { clock: { now: () => NOW } },
  );
  const [outcome] = await transport.sendBatch([{ ...MAIL, ...given }], "key");
  expect(outcome?.status).toBe("sent");
  const taken = server.book[0];
  if (taken === undefined) throw new Error("The server got none.");
  const parsed = await PostalMime.parse(taken.raw);
  return { ...parsed, envelope: taken, raw: taken.raw.toString("latin1") };
}

const header = ({ headers }: Awaited<ReturnType<typeof receive>>, key: string) =>
  headers.find((found) => found.key === key)?.value;

/** Between the parts of a mail stands a line break, which the parser may take for the part's. */
const lines = (text = "") => text.trimEnd().split(/\r?\n/);

it.each<[string, Partial<MailMessage>]>([
  ["English", {}],
  [
    "Russian",
    {
      subject: "Ваш заказ № 42 принят — спасибо!",
      text: "Здравствуйте, Анна!\n\nЗаказ принят.\n",
      html: "<p>Здравствуйте, Анна!</p>\n",
    },
  ],
  ["an emoji", { subject: "Paid 💸 👩‍👩‍👧", text: "Thanks 💚\n", html: "<b>💚</b>\n" }],
  [
    "a subject of 1,000 characters",
    { subject: "Order of many things ".repeat(48).slice(0, 1_000) },
  ],
  ["a Russian subject of 1,000 characters", { subject: "Заказ очень ".repeat(84).slice(0, 1_000) }],
  ["one word of 1,000 characters for a subject", { subject: "a".repeat(1_000) }],
  [
    "very long lines",
    { text: `${"a".repeat(20_000)}\n`, html: `<p>${"длинно ".repeat(5_000)}</p>\n` },
  ],
  ["dots at the beginning of lines", { text: ".\n..\n.a\n\n.\n", html: "<p>\n.\n..\n</p>\n" }],
  ["lines that look like headers", { text: "To: b@example.com\nBcc: c@example.com\n" }],
])("what was meant is what arrives: %s", async (_name, given) => {
  const mail = await receive(given);
  const meant = { ...MAIL, ...given };
  expect(mail.subject).toBe(meant.subject.trim());
  expect(lines(mail.text)).toEqual(lines(meant.text));
  expect(lines(mail.html)).toEqual(lines(meant.html));
});

it("carries what its sender said: addresses, date, id and headers, and nothing of the program", async () => {
  const unsubscribe = {
    "List-Unsubscribe": `<https://shop.example.com/api/mail/unsubscribe/${"token".repeat(60)}/>`,
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
  };
  const mail = await receive({ headers: unsubscribe }, "Лавка «Любисток» <shop@example.com>");
  expect(mail.from).toEqual({ name: "Лавка «Любисток»", address: "shop@example.com" });
  expect(mail.to).toEqual([{ name: "", address: "anna@example.com" }]);
  expect(mail.messageId).toBe(MAIL.messageId);
  expect(mail.date).toBe(new Date(NOW).toISOString());
  expect(header(mail, "list-unsubscribe")).toBe(unsubscribe["List-Unsubscribe"]);
  expect(header(mail, "list-unsubscribe-post")).toBe("List-Unsubscribe=One-Click");
  expect(header(mail, "x-mailer")).toBeUndefined();
  expect(header(mail, "bcc")).toBeUndefined();
  expect(mail.envelope).toMatchObject({ from: "shop@example.com", to: "anna@example.com" });
});

it("an address with a punycode domain is the envelope's and the header's", async () => {
  const to = "anna@xn--e1afmkfd.xn--p1ai";
  const mail = await receive({ to });
  expect(mail.envelope).toMatchObject({ to: "anna@пример.рф", isUtf8: false });
  expect(mail.raw).toContain(`To: ${to}\r\n`);
});

it("a sender's domain of other letters goes as punycode", async () => {
  const mail = await receive({}, "shop@пример.рф");
  expect(mail.envelope).toMatchObject({ from: "shop@пример.рф", isUtf8: false });
  expect(mail.raw).toContain("From: shop@xn--e1afmkfd.xn--p1ai\r\n");
});

it.each([
  ["subject", { subject: "Hello\r\nBcc: c@example.com" }],
  ["header", { headers: { "List-Unsubscribe": "<a>\r\nBcc: c@example.com" } }],
  ["message id", { messageId: "<a@b>\r\nBcc: c@example.com" }],
])("no line break gets into the headers by the %s", async (_name, given) => {
  const mail = await receive(given);
  expect(header(mail, "bcc")).toBeUndefined();
  expect(mail.to).toHaveLength(1);
});

it("a mail that can't be put together fails alone", async () => {
  const transport = createSmtpTransport(
    {
      ...{ host: "localhost", port: server.port, security: "none", login: null },
      ...{ connections: 1, from: "shop@example.com" },
    },
    { clock: { now: () => NOW } },
  );
  const broken = { ...MAIL, text: undefined as unknown as string };
  expect(await transport.sendBatch([broken, MAIL], "key")).toMatchObject([
    { status: "failed", isPermanent: true },
    { status: "sent" },
  ]);
});

it("an address that would be two is refused, and nobody gets it", async () => {
  const transport = createSmtpTransport(
    {
      ...{ host: "localhost", port: server.port, security: "none", login: null },
      ...{ connections: 1, from: "shop@example.com" },
    },
    { clock: { now: () => NOW } },
  );
  const mails = ["a@example.com>\r\nRCPT TO:<b@example.com", "c@example.com"].map((to) => ({
    ...MAIL,
    to,
  }));
  expect(await transport.sendBatch(mails, "key")).toMatchObject([
    { status: "failed", isPermanent: true },
    { status: "sent" },
  ]);
  expect(server.book.map(({ to }) => to)).toEqual(["c@example.com"]);
});

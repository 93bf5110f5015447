import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { MailStoppedError, MailUnavailableError, type MailMessage } from "#domain/mail";
import { createResendTransport } from "../../../src/integrations/mail/resend-transport.ts";
import { FakeResend, RESEND_KEY, type ResendFault } from "../../resend.ts";
import { ResendServer } from "../../resend-server.ts";

const clock = { now: () => 1_900_000_000_000 };
/** Waits that were asked for, in ms; none of them is waited for. */
let waits: number[] = [];
const timers = {
  after: (ms: number, fn: () => void) => {
    waits.push(ms);
    queueMicrotask(fn);
    return () => undefined;
  },
};
let resend = new FakeResend();
let server: ResendServer;

beforeAll(async () => {
  // The server outlives its book.
  const current = { handle: (...args: Parameters<FakeResend["handle"]>) => resend.handle(...args) };
  server = await ResendServer.start(current as FakeResend);
});
beforeEach(() => {
  resend = new FakeResend();
  waits = [];
});
afterAll(() => server.stop());

function message(to: string): MailMessage {
  return {
    messageId: `<${to}>`,
    taskId: "task",
    template: "plain",
    to,
    subject: `Заказ 🎉 ${"long ".repeat(60)}`,
    text: "Привет",
    html: "<p>Привет</p>",
    headers: { "List-Unsubscribe": "<https://shop.example.com/u/>" },
  };
}

function transport(over: { apiKey?: string; from?: string; url?: string } = {}) {
  const settings = {
    apiKey: RESEND_KEY,
    url: server.url,
    from: "Shop <a@shop.example.com>",
    ...over,
  };
  // As its own time-out, sooner.
  const request: typeof fetch = (url, init) =>
    fetch(url, { ...init, signal: AbortSignal.timeout(300) });
  return createResendTransport(settings, { clock, timers, request });
}

const send = (count: number, key = "key-1", over = {}) =>
  transport(over).sendBatch(
    Array.from({ length: count }, (_, n) => message(`m${n}@example.com`)),
    key,
  );
const failureOf = (sending: Promise<unknown>) =>
  sending.then(
    () => null,
    (error: unknown) => error,
  );

it.each([
  [1, "/emails"],
  [50, "/emails/batch"],
])("%i at once: one request, an id for each, and every field as it was", async (count, path) => {
  const outcomes = await send(count);
  expect(outcomes).toEqual(
    Array.from({ length: count }, (_, n) => ({ status: "sent", providerId: `id-${n + 1}` })),
  );
  expect(resend.requests).toMatchObject([{ path, key: "key-1", isPermissive: true }]);
  const { subject, text, html, headers } = message("m0@example.com");
  expect(resend.taken[0]).toMatchObject({
    ...{ subject, text, html, to: ["m0@example.com"], from: "Shop <a@shop.example.com>" },
    headers: { ...headers, "Message-ID": "<m0@example.com>" },
  });
});

it("the same under the same key is taken once and answered the same", async () => {
  expect(await send(3)).toEqual(await send(3));
  expect(resend.taken).toHaveLength(3);
});

it.each<[ResendFault, boolean, number | undefined]>([
  ["rate_limit", false, 120],
  ["daily_quota", false, 40_000],
  ["concurrent", true, undefined],
  ["error_before", true, undefined],
  ["error_after", true, undefined],
  ["drop_before", true, undefined],
  ["drop_after", true, undefined],
  ["hang_after", true, undefined],
  ["garbage_after", true, undefined],
  ["endless_after", true, undefined],
])("%s: not just now; may be out: %s", async (fault, isUnknown, retryAfterSeconds) => {
  resend.fault = () => fault;
  const error = await failureOf(send(2));
  expect(error).toBeInstanceOf(MailUnavailableError);
  expect(error).toMatchObject({ isUnknown, ...(retryAfterSeconds && { retryAfterSeconds }) });
});

it.each<[string, () => Promise<unknown>]>([
  ["a wrong key", () => send(2, "k", { apiKey: "re_wrong_key_123" })],
  ["a domain that is not verified", () => send(2, "k", { from: "shop@elsewhere.example" })],
  ["a domain that is not verified, of one mail", () => send(1, "k", { from: "s@else.example" })],
  ["an address that is not Resend's", () => send(2, "k", { url: `${server.url}/nowhere` })],
])("%s: nothing goes out until somebody has looked", async (_what, attempt) => {
  expect(await failureOf(attempt())).toBeInstanceOf(MailStoppedError);
  expect(resend.taken).toEqual([]);
});

it("a month's quota is for somebody to look at", async () => {
  resend.fault = () => "monthly_quota";
  expect(await failureOf(send(2))).toBeInstanceOf(MailStoppedError);
});

it("too many requests a second are spread over the next ones, under the same key", async () => {
  const faults = ["rate_limit_briefly", "rate_limit_briefly", null] as const;
  resend.fault = () => faults[resend.requests.length - 1] ?? null;
  expect(await send(2)).toMatchObject([{ status: "sent" }, { status: "sent" }]);
  expect(waits).toEqual([1_000, 1_000]);
  expect(new Set(resend.requests.map(({ key }) => key)).size).toBe(1);
});

it("a rate limit that doesn't end is not waited out", async () => {
  resend.fault = () => "rate_limit_briefly";
  expect(await failureOf(send(2))).toMatchObject({ isUnknown: false, retryAfterSeconds: 1 });
  expect(waits).toHaveLength(5);
});

it("another request under the key may be out, for ever", async () => {
  await send(2);
  expect(await send(3)).toEqual(
    Array.from({ length: 3 }, () =>
      expect.objectContaining({ status: "failed", isPermanent: true, isUnknown: true }),
    ),
  );
});

it("one that is refused is refused alone, in a batch and by itself", async () => {
  const messages = ["a@example.com", "bad@example.com", "c@example.com"].map(message);
  const [first, second, third] = await transport().sendBatch(messages, "k1");
  expect([first?.status, third?.status]).toEqual(["sent", "sent"]);
  expect(second).toEqual({
    status: "failed",
    isPermanent: true,
    reason: "Resend: Invalid `to` field.",
  });
  expect(await transport().sendBatch(messages.slice(1, 2), "k2")).toMatchObject([
    { isPermanent: true, reason: "Resend: 422 validation_error Invalid `to` field." },
  ]);
});

/** A server with one answer for everything. */
async function answering(status: number, body: string, use: (url: string) => Promise<void>) {
  const other = createServer((_request, response) => response.writeHead(status).end(body));
  await new Promise<void>((resolve) => {
    other.listen(0, "127.0.0.1", resolve);
  });
  try {
    await use(`http://127.0.0.1:${(other.address() as AddressInfo).port}`);
  } finally {
    other.closeAllConnections();
    other.close();
  }
}

it("a mailbox that is suppressed or not there is a bounce", async () => {
  const body = JSON.stringify({
    data: [],
    errors: [
      { index: 0, message: "The recipient is on the suppression list." },
      { index: 1, message: "This mailbox does not exist." },
    ],
  });
  await answering(200, body, async (url) => {
    expect(await send(2, "k", { url })).toMatchObject([{ isBounce: true }, { isBounce: true }]);
  });
});

it.each([
  ["fewer ids than mails", { data: [{ id: "1" }] }],
  ["more ids than mails", { data: [{ id: "1" }, { id: "2" }, { id: "3" }] }],
  [
    "an error of a mail that was not there",
    { data: [{ id: "1" }], errors: [{ index: 2, message: "" }] },
  ],
  [
    "two errors of one mail",
    {
      data: [],
      errors: [
        { index: 0, message: "" },
        { index: 0, message: "" },
      ],
    },
  ],
  ["ids that are none", { data: [{ id: 1 }, { id: 2 }] }],
  ["nothing", null],
])("an answer that makes no sense (%s) leaves open what was sent", async (_what, body) => {
  await answering(200, JSON.stringify(body), async (url) => {
    expect(await failureOf(send(2, "k", { url }))).toMatchObject({ isUnknown: true });
  });
});

it("many that are refused as a whole are tried again in other batches", async () => {
  await answering(422, JSON.stringify({ name: "validation_error" }), async (url) => {
    expect(await send(2, "k", { url })).toMatchObject([
      { isPermanent: false },
      { isPermanent: false },
    ]);
  });
});

it.each([400, 413])(
  "a %i that is not the provider's own says nothing of any mail",
  async (status) => {
    await answering(status, "<html>Blocked.</html>", async (url) => {
      expect(await failureOf(send(2, "k", { url }))).toMatchObject({ isUnknown: true });
    });
  },
);

it("the API key is in no error, whatever the provider repeats", async () => {
  const apiKey = "re_wrong_key_123";
  const error = await failureOf(send(2, "k", { apiKey }));
  expect(String(error)).toContain("API key is invalid");
  expect(String(error)).not.toContain(apiKey);
});

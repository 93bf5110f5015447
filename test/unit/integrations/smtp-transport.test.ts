import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import type { Clock } from "#engine";
import type { MailMessage, MailOutcome } from "../../../src/domain/mail/index.ts";
import {
  createSmtpTransport,
  type SmtpSettings,
  type SmtpTimes,
} from "../../../src/integrations/mail/smtp-transport.ts";
import { certificateFor } from "../../mail/certificate.ts";
import { MailServer, type MailServerOptions } from "../../mail/mail-server.ts";

const TIMES = { connectMs: 500, greetingMs: 500, readMs: 500, beginMs: 2_000, batchMs: 3_000 };
const PASSWORD = "a secret, s3cr3t";
const login = { user: "shop", password: PASSWORD };
const here = certificateFor("localhost");
const elsewhere = certificateFor("mail.example.com");

const servers: { close(): unknown }[] = [];

beforeAll(() => {
  setDefaultCACertificates([here.cert, elsewhere.cert]);
});

afterAll(() => {
  setDefaultCACertificates(getCACertificates("bundled"));
});

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serve(options: MailServerOptions = {}): Promise<MailServer> {
  const server = await MailServer.start(options);
  servers.push(server);
  return server;
}

/** Counts the timers that nodemailer's connections set until the test is over. */
function countTimers(): { count: number } {
  const timers = { count: 0 };
  const original = globalThis.setImmediate;
  globalThis.setImmediate = ((run: () => void) => {
    if (new Error("who asks?").stack?.includes("smtp-connection") === true) timers.count += 1;
    return original(run);
  }) as typeof setImmediate;
  servers.push({
    close: () => {
      globalThis.setImmediate = original;
    },
  });
  return timers;
}

/** A server that speaks as it likes. */
async function serveRaw(talk: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    talk(socket);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      resolve();
    });
  });
  const close = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  servers.push({ close });
  return (server.address() as AddressInfo).port;
}

function send(
  { port }: { readonly port: number },
  to: readonly string[],
  settings: Partial<SmtpSettings> = {},
  { clock = { now: () => Date.now() }, times = TIMES }: { clock?: Clock; times?: SmtpTimes } = {},
): Promise<MailOutcome[]> {
  const transport = createSmtpTransport(
    {
      host: "localhost",
      port,
      security: "none",
      login: null,
      connections: 2,
      from: "Shop <shop@example.com>",
      ...settings,
    },
    { clock, times },
  );
  return transport.sendBatch(to.map(mailTo), "key");
}

function mailTo(to: string, index: number): MailMessage {
  return {
    messageId: `<${index}@lovage.invalid>`,
    taskId: "task",
    template: "test",
    to,
    subject: "Hello",
    text: "Hello.",
    html: "<p>Hello.</p>",
    headers: {},
  };
}

const people = (count: number) =>
  Array.from({ length: count }, (_, index) => `p${index}@example.com`);
const sent = { status: "sent", providerId: "4F00BA7" };
const forNow = { status: "failed", isPermanent: false };
const unknown = { ...forNow, isUnknown: true };

it("a message costs no timer: a Worker has not many, and they are slow", async () => {
  const server = await serve();
  const timers = countTimers();
  const to = Array.from({ length: 40 }, (_, n) => `${n}@example.com`);
  const outcomes = await send(server, to, { connections: 1 });
  expect(outcomes.filter(({ status }) => status === "sent")).toHaveLength(40);
  expect(timers.count).toBeLessThan(5);
});

it("spreads a batch over its connections, and uses each for many messages", async () => {
  const server = await serve({ faultAt: (stage) => (stage === "dot" ? 5 : null) });
  const to = people(20);
  expect(await send(server, to, { connections: 4 })).toEqual(to.map(() => sent));
  expect(server.book.map((mail) => mail.to).toSorted()).toEqual(to.toSorted());
  expect(server.connections).toMatchObject({ total: 4, most: 4 });
  await expect.poll(() => server.connections.open).toBe(0);
});

it("opens no more connections than there are messages", async () => {
  const server = await serve();
  await send(server, people(1), { connections: 4 });
  expect(server.connections.total).toBe(1);
});

it.each(["starttls", "tls"] as const)("logs in over %s", async (security) => {
  const server = await serve({ certificate: here, isTls: security === "tls", login });
  expect(await send(server, people(3), { security, login })).toEqual([sent, sent, sent]);
  expect(server.logins.every((user) => user === "shop")).toBe(true);
});

it.each(["starttls", "tls"] as const)(
  "%s: a certificate of another host stops the mail before the login",
  async (security) => {
    const server = await serve({ certificate: elsewhere, isTls: security === "tls", login });
    await expect(send(server, people(2), { security, login })).rejects.toMatchObject({
      name: "MailStoppedError",
    });
    expect(server.logins).toEqual([]);
    expect(server.book).toEqual([]);
  },
);

it("a server without STARTTLS gets neither login nor mail", async () => {
  const server = await serve({ login });
  await expect(send(server, people(2), { security: "starttls", login })).rejects.toMatchObject({
    name: "MailStoppedError",
  });
  expect(server.logins).toEqual([]);
});

it("a refused login stops the mail, is tried once, and tells no password", async () => {
  const server = await serve({ login: { user: "shop", password: "another" } });
  const error = await send(server, people(5), { login }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    name: "MailStoppedError",
    message: expect.stringContaining("535"),
  });
  expect(JSON.stringify([error, String(error), (error as Error).cause])).not.toContain("s3cr3t");
  expect(server.logins).toEqual(["shop"]);
});

it("a login that a server doesn't offer stops the mail", async () => {
  const server = await serve({ options: { disabledCommands: ["STARTTLS", "AUTH"] } });
  await expect(send(server, people(1), { login })).rejects.toMatchObject({
    name: "MailStoppedError",
  });
});

it.each<[string, string]>([
  ["a greeting of 554", "connect"],
  ["a refused sender", "mail"],
])("%s stops the mail", async (_name, at) => {
  const server = await serve({
    faultAt: (stage) => (stage === at ? "554 5.7.1 We take nothing of yours" : null),
  });
  await expect(send(server, people(3))).rejects.toMatchObject({ name: "MailStoppedError" });
});

it("what was sent before the account was closed stays sent", async () => {
  let mails = 0;
  const server = await serve({
    faultAt: (stage) => (stage === "mail" && ++mails > 2 ? "550 5.7.1 Account closed" : null),
  });
  const outcomes = await send(server, people(4), { connections: 1 });
  expect(outcomes.slice(0, 2)).toEqual([sent, sent]);
  expect(outcomes.slice(2)).toEqual([
    { ...forNow, reason: "550 5.7.1 Account closed" },
    { ...forNow, reason: "550 5.7.1 Account closed" },
  ]);
});

it("nobody at the port is a server that is down", async () => {
  const server = await MailServer.start();
  const { port } = server;
  await server.close();
  await expect(send({ port }, people(2))).rejects.toMatchObject({
    name: "MailUnavailableError",
    isUnknown: false,
  });
});

it.each<[string, (socket: Socket) => void]>([
  ["hangs", () => {}],
  [
    "drips",
    (socket) => {
      const timer = setInterval(() => socket.write("2"), 50);
      socket.once("close", () => {
        clearInterval(timer);
      });
    },
  ],
  ["hangs up", (socket) => socket.end()],
  ["asks for patience", (socket) => socket.end("421 4.7.0 Too many connections\r\n")],
])("a server that %s at its greeting is down, and known to have nothing", async (_name, talk) => {
  const port = await serveRaw(talk);
  // It is not the end of the batch's time that it waits for: that is after the end of this test.
  const times = { ...TIMES, batchMs: 600_000 };
  await expect(send({ port }, people(2), {}, { times })).rejects.toMatchObject({
    name: "MailUnavailableError",
    isUnknown: false,
  });
});

it("a server that drips its answers is cut off at the end of the batch's time", async () => {
  const port = await serveRaw((socket) => {
    socket.write("220 here\r\n");
    const timer = setInterval(() => socket.write("2"), 50);
    socket.once("close", () => {
      clearInterval(timer);
    });
  });
  await expect(send({ port }, people(2))).rejects.toMatchObject({ isUnknown: false });
});

it.each(["mail", "rcpt"] as const)(
  "a server that drops or hangs at %s surely has nothing: it is down, and nothing is unknown",
  async (at) => {
    for (const fault of ["drop", "hang"] as const) {
      const server = await serve({ faultAt: (stage) => (stage === at ? fault : null) });
      await expect(send(server, people(2))).rejects.toMatchObject({
        name: "MailUnavailableError",
        isUnknown: false,
      });
      expect(server.book).toEqual([]);
    }
  },
);

it.each(["drop", "hang", "take-and-drop"] as const)(
  "a message is unknown when the server has all of it and does this: %s",
  async (fault) => {
    const server = await serve({
      faultAt: (stage, to) => (stage === "dot" && to === "p1@example.com" ? fault : null),
    });
    const outcomes = await send(server, people(3), { connections: 1 });
    expect(outcomes).toMatchObject([sent, unknown, sent]);
    expect(server.book).toHaveLength(fault === "take-and-drop" ? 3 : 2);
  },
);

it("a connection that ends between two messages costs neither", async () => {
  let mails = 0;
  const server = await serve({
    faultAt: (stage) => {
      if (stage !== "mail") return null;
      mails += 1;
      return mails % 4 === 0 ? "421 4.7.0 Enough for one connection" : null;
    },
  });
  const to = people(10);
  expect(await send(server, to, { connections: 1 })).toEqual(to.map(() => sent));
  expect(server.book).toHaveLength(10);
});

it("a message that ends every connection keeps no other back", async () => {
  const server = await serve({
    faultAt: (stage, to) => (stage === "rcpt" && to === "p2@example.com" ? "drop" : null),
  });
  const outcomes = await send(server, people(6), { connections: 1 });
  expect(outcomes[2]).toMatchObject(forNow);
  expect(outcomes[2]).not.toHaveProperty("isUnknown");
  expect(outcomes.filter(({ status }) => status === "sent")).toHaveLength(5);
});

it("two receipts for one message are neither taken for the next one's, nor for a permission to send", async () => {
  const server = await serve({
    faultAt: (stage, to) => (stage === "dot" && to === "p1@example.com" ? "twice" : null),
  });
  const to = people(6);
  const outcomes = await send(server, to, { connections: 1 });
  expect(outcomes.map(({ status }) => status)).toEqual(to.map(() => "sent"));
  expect(server.book.map((mail) => mail.to).toSorted()).toEqual(to);
});

it("a receipt for a message that the server did not have is none", async () => {
  const port = await serveRaw((socket) => {
    socket.write("220 hello\r\n");
    socket.on("data", (chunk) => {
      socket.write(
        String(chunk).startsWith("DATA") ? "354 Go on\r\n250 2.0.0 Ok\r\n" : "250 Ok\r\n",
      );
    });
  });
  await expect(send({ port }, people(2))).rejects.toMatchObject({
    name: "MailUnavailableError",
    message: expect.stringContaining("354 Go on 250 2.0.0 Ok"),
  });
});

it("a greylisted recipient is for later, and the others get theirs over the same connection", async () => {
  const server = await serve({
    faultAt: (stage, to) =>
      stage === "rcpt" && to === "p0@example.com" ? "451 4.7.1 Greylisted" : null,
  });
  const outcomes = await send(server, people(3), { connections: 1 });
  expect(outcomes).toEqual([{ ...forNow, reason: "451 4.7.1 Greylisted" }, sent, sent]);
  expect(server.connections.total).toBe(1);
});

it("a refused recipient, and one that bounces, keep nobody back", async () => {
  const answers: Record<string, `${number} ${string}`> = {
    "p0@example.com": "550 5.1.1 No such user",
    "p1@example.com": "550 5.7.1 Blocked",
  };
  const server = await serve({
    faultAt: (stage, to) => (stage === "rcpt" ? (answers[to] ?? null) : null),
  });
  expect(await send(server, people(3), { connections: 1 })).toEqual([
    { status: "failed", isPermanent: true, reason: "550 5.1.1 No such user", isBounce: true },
    { status: "failed", isPermanent: true, reason: "550 5.7.1 Blocked" },
    sent,
  ]);
});

it("a message that is refused when it has been read is through, and no bounce", async () => {
  const server = await serve({
    faultAt: (stage, to) =>
      stage === "dot" && to === "p0@example.com" ? "554 5.6.0 We don't like it" : null,
  });
  expect(await send(server, people(2), { connections: 1 })).toEqual([
    { status: "failed", isPermanent: true, reason: "554 5.6.0 We don't like it" },
    sent,
  ]);
});

it("a server that asks everybody for patience says for how long it is left alone", async () => {
  const server = await serve({
    faultAt: (stage) => (stage === "rcpt" ? "452 4.3.1 Insufficient storage" : null),
  });
  await expect(send(server, people(2))).rejects.toMatchObject({
    name: "MailUnavailableError",
    retryAfterSeconds: 300,
  });
});

it("a slow server gets as many as fit in the time; the others are for later, none is unknown", async () => {
  let now = 0;
  const faultAt: MailServerOptions["faultAt"] = (stage) => {
    if (stage === "dot") now += 300;
    return null;
  };
  const server = await serve({ faultAt });
  const parts = { clock: { now: () => now }, times: { ...TIMES, readMs: 60_000, batchMs: 60_000 } };
  const outcomes = await send(server, people(40), { connections: 2 }, parts);
  const done = outcomes.filter(({ status }) => status === "sent").length;
  expect(done).toBe(server.book.length);
  // After the seventh none is begun; the other connection may have begun an eighth by then.
  expect([7, 8]).toContain(done);
  expect(outcomes.every((outcome) => !("isUnknown" in outcome))).toBe(true);
});

it("sends a message of more than a socket takes at once", async () => {
  const server = await serve();
  const transport = createSmtpTransport(
    {
      ...{ host: "localhost", port: server.port, security: "none", login: null },
      ...{ connections: 1, from: "shop@example.com" },
    },
    { clock: { now: () => Date.now() }, times: TIMES },
  );
  const text = "0123456789 ".repeat(60_000);
  const mail = { ...mailTo("p@example.com", 0), text };
  expect(await transport.sendBatch([mail], "key")).toEqual([sent]);
  expect(server.book[0]?.raw.length).toBeGreaterThan(text.length);
});

import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import { MailUnavailableError } from "#domain/mail";
import { Meter, meteredDatabase, planOf } from "./meter.ts";
import { Provider, wanted } from "./provider.ts";
import { createShop, emptyTables, rows } from "./shop.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const BEGIN = 1_900_000_000_000;

let now = BEGIN;
const clock = { now: () => now };

beforeEach(async () => {
  now = BEGIN;
  await emptyTables();
});

function deskWith(transport: Provider, database: D1Database = env.DB) {
  return createShop({ database, transport, services: { clock } }).services.mail;
}

const states = () => rows("SELECT to_address, state, attempts FROM emails ORDER BY to_address");

async function queue(
  desk: ReturnType<typeof deskWith>,
  requests: ReturnType<typeof wanted>[],
  database: D1Database = env.DB,
) {
  const { db } = createShop({ database });
  const [first, ...rest] = await desk.queue(requests);
  if (first !== undefined) await db.batch([first, ...rest]);
}

/** Mails that wait, written straight into the table. */
function insertMany(count: number, { text = "text", dueAt = BEGIN } = {}) {
  return env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ? - 1)
     INSERT INTO emails (task_id, to_address, template, message_id, subject, text_body, html_body,
       created_at, headers, state, attempts, due_at, reason)
     SELECT ? || i, i || '@example.com', 'plain', '<' || i || '@x>', 's', ?, '<p>', ?,
       NULL, 'pending', 0, ?, NULL FROM n`,
  )
    .bind(count, text === "" ? "secret" : "open", text, BEGIN, dueAt)
    .run();
}

it("a mail that is asked for twice at once, in whatever case, is sent once and answered twice", async () => {
  const provider = new Provider();
  const outcomes = await deskWith(provider).send([
    wanted("Ann@example.com"),
    wanted("bob@example.com"),
    wanted("Ann@example.com"),
    wanted("ann@EXAMPLE.com"),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(["sent", "sent", "sent", "sent"]);
  expect(provider.sentTo).toEqual(["Ann@example.com", "bob@example.com"]);
});

it("a task's own run and two sweeps at once send a mail once", async () => {
  const provider = new Provider();
  const desk = deskWith(provider);
  await queue(desk, [wanted("a@example.com"), wanted("b@example.com")]);
  await Promise.all([
    desk.send([wanted("a@example.com")]),
    desk.sweep(100),
    deskWith(provider).sweep(100),
    deskWith(provider).send([wanted("b@example.com"), wanted("a@example.com")]),
  ]);
  expect(provider.sentTo.toSorted()).toEqual(["a@example.com", "b@example.com"]);
});

it("who asks for a mail that somebody else has in hand is told when to ask again", async () => {
  const provider = new Provider();
  const { promise, resolve } = Promise.withResolvers<void>();
  provider.gate = () => promise;
  const first = deskWith(provider).send([wanted("a@example.com")]);
  await expect.poll(() => provider.asked).toBe(1);
  now += 30_000;
  const [second] = await deskWith(provider).send([wanted("a@example.com")]);
  expect(second).toMatchObject({ status: "failed", isPermanent: false, retryAfterSeconds: 90 });
  expect(await deskWith(provider).sweep(10)).toMatchObject({ sent: 0, end: "empty" });
  resolve();
  expect(await first).toEqual([{ status: "sent" }]);
  expect(await deskWith(provider).send([wanted("a@example.com")])).toEqual([{ status: "sent" }]);
  expect(provider.seen).toHaveLength(1);
});

it.each([
  ["sent", { status: "sent" }, "sent"],
  ["failed for now", { status: "failed", isPermanent: false, reason: "451" }, "sending"],
] as const)("who is late and says %s after another took over", async (_what, answer, state) => {
  const slow = new Provider();
  const { promise, resolve } = Promise.withResolvers<void>();
  slow.gate = () => promise;
  slow.answer = () => answer;
  const late = deskWith(slow).send([wanted("a@example.com")]);
  await expect.poll(() => slow.asked).toBe(1);
  now += 2 * MINUTE;
  const other = new Provider();
  const answered = Promise.withResolvers<void>();
  other.gate = () => answered.promise;
  const next = deskWith(other).sweep(10);
  await expect.poll(() => other.asked).toBe(1);
  resolve();
  await late;
  expect(await states()).toEqual([{ to_address: "a@example.com", state, attempts: 2 }]);
  answered.resolve();
  await next;
  expect(await states()).toEqual([{ to_address: "a@example.com", state: "sent", attempts: 2 }]);
});

it("a mail left by somebody who died with it is sent by the sweep, and not before its time", async () => {
  const dead = new Provider();
  dead.gate = () => new Promise(() => undefined);
  void deskWith(dead).send([wanted("a@example.com")]);
  await expect.poll(() => dead.asked).toBe(1);
  const provider = new Provider();
  now += 2 * MINUTE - 1;
  expect(await deskWith(provider).sweep(10)).toMatchObject({ sent: 0 });
  now += 1;
  expect(await deskWith(provider).sweep(10)).toMatchObject({ sent: 1, end: "empty" });
});

it("a mailbox that asks for patience gets its mail on a later try, and nobody else waits", async () => {
  const provider = new Provider();
  provider.answer = ({ to }) =>
    to === "grey@example.com" && now < BEGIN + MINUTE
      ? { status: "failed", isPermanent: false, reason: "451 Greylisted." }
      : { status: "sent" };
  const desk = deskWith(provider);
  const outcomes = await desk.send([wanted("grey@example.com"), wanted("b@example.com")]);
  expect(outcomes).toEqual([
    { status: "failed", isPermanent: false, reason: "451 Greylisted.", retryAfterSeconds: 60 },
    { status: "sent" },
  ]);
  expect(await desk.sweep(10)).toMatchObject({ sent: 0 });
  now += MINUTE;
  expect(await desk.sweep(10)).toMatchObject({ sent: 1 });
  expect(provider.seen.map(({ to }) => to)).toEqual([
    "b@example.com",
    "grey@example.com",
    "grey@example.com",
  ]);
});

it("a provider that is down for three days: tried ever later, then given up", async () => {
  const provider = new Provider();
  provider.gate = () => Promise.reject(new MailUnavailableError("421 Closed."));
  const desk = deskWith(provider);
  const [outcome] = await desk.send([wanted("a@example.com")]);
  expect(outcome).toMatchObject({ isPermanent: false, reason: "421 Closed." });
  for (; now < BEGIN + 72 * HOUR; now += 15 * MINUTE) await desk.sweep(100);
  expect(provider.asked).toBeGreaterThan(60);
  expect(provider.asked).toBeLessThan(90);
  expect(await states()).toMatchObject([{ state: "pending" }]);
  now += 2 * HOUR;
  await desk.sweep(100);
  expect(await rows("SELECT state, reason, due_at FROM emails")).toEqual([
    { state: "failed", reason: "421 Closed.", due_at: 0 },
  ]);
  expect(await rows("SELECT * FROM suppressions")).toEqual([]);
  expect(await desk.send([wanted("a@example.com")])).toEqual([
    { status: "failed", isPermanent: true, reason: "421 Closed." },
  ]);
});

it("a provider that is down is asked once; what it was not asked for waits for the sweep", async () => {
  const provider = new Provider();
  provider.gate = () => Promise.reject(new MailUnavailableError("down"));
  const desk = deskWith(provider);
  const many = Array.from({ length: 180 }, (_, n) => wanted(`${n}@example.com`));
  const outcomes = await desk.send(many);
  expect(provider.asked).toBe(1);
  expect(outcomes.every((one) => one.status === "failed" && !one.isPermanent)).toBe(true);
  expect(await desk.sweep(1_000)).toMatchObject({ waiting: 50, end: expect.any(Error) });
  provider.gate = () => Promise.resolve();
  now += HOUR;
  expect(await desk.sweep(1_000)).toMatchObject({ sent: 180, end: "empty" });
  expect(await desk.send(many)).toEqual(many.map(() => ({ status: "sent" })));
  expect(new Set(provider.sentTo).size).toBe(180);
  expect(provider.seen).toHaveLength(180);
});

it("a database that breaks in a sweep is an error of the sweep", async () => {
  await insertMany(1);
  const broken = new Proxy(env.DB, {
    get: () => () => {
      throw new Error("D1 is down");
    },
  });
  await expect(deskWith(new Provider(), broken).sweep(10)).rejects.toThrow();
});

it("ten thousand mails that wait are swept, each once, at a cost that doesn't grow with their number", async () => {
  await insertMany(10_000);
  const provider = new Provider();
  const meter = new Meter();
  const desk = deskWith(provider, meteredDatabase(env.DB, meter));
  expect(await desk.sweep(4_000)).toEqual({ sent: 4_000, failed: 0, waiting: 0, end: "limit" });
  expect(await desk.sweep(10_000)).toEqual({ sent: 6_000, failed: 0, waiting: 0, end: "empty" });
  expect(new Set(provider.sentTo).size).toBe(10_000);
  expect(provider.seen).toHaveLength(10_000);
  expect(meter.rowsRead / 10_000).toBeLessThan(20);
});

it("mails with a secret that nobody sent keep no others back, and cost the sweep nothing", async () => {
  await insertMany(2_000, { text: "", dueAt: BEGIN - HOUR });
  await insertMany(50);
  const provider = new Provider();
  const meter = new Meter();
  const desk = deskWith(provider, meteredDatabase(env.DB, meter));
  expect(await desk.sweep(50)).toMatchObject({ sent: 50 });
  expect(meter.rowsRead).toBeLessThan(1_000);
});

it("a mail with a secret is sent and its text is nowhere; only who has it sends it", async () => {
  const provider = new Provider();
  provider.answer = () => ({ status: "failed", isPermanent: false, reason: "451" });
  const desk = deskWith(provider);
  const request = wanted("a@example.com", { kind: "secret", text: "https://x.example/token" });
  await desk.send([request]);
  expect(provider.seen[0]?.text).toBe("https://x.example/token");
  expect(JSON.stringify(await rows("SELECT * FROM emails"))).not.toContain("token");
  now += HOUR;
  expect(await desk.sweep(10)).toMatchObject({ sent: 0, waiting: 0 });
  provider.answer = () => ({ status: "sent" });
  expect(await desk.send([request])).toEqual([{ status: "sent" }]);
  expect(JSON.stringify(await rows("SELECT * FROM emails"))).not.toContain("token");
});

it("a mail with a secret that was never sent ends after three days", async () => {
  const provider = new Provider();
  provider.answer = () => ({ status: "failed", isPermanent: false, reason: "451" });
  const desk = deskWith(provider);
  await desk.send([wanted("a@example.com", { kind: "secret" })]);
  now += 71 * HOUR;
  await desk.sweep(10);
  expect(await states()).toMatchObject([{ state: "pending" }]);
  now += 2 * HOUR;
  await desk.sweep(10);
  expect(await states()).toMatchObject([{ state: "failed" }]);
});

it("whoever asks for a mail again and again is told after three days that it is over", async () => {
  const provider = new Provider();
  provider.answer = () => ({ status: "failed", isPermanent: false, reason: "451" });
  const desk = deskWith(provider);
  const tryIt = () => desk.send([wanted("a@example.com", { kind: "secret" })]);
  for (; now < BEGIN + 72 * HOUR; now += HOUR) {
    expect(await tryIt()).toMatchObject([{ isPermanent: false }]);
  }
  now += 1;
  expect(await tryIt()).toEqual([{ status: "failed", isPermanent: true, reason: "451" }]);
});

it("a transport that keeps mail keeps the newest secret, and none can be queued", async () => {
  const provider = new Provider(true);
  provider.answer = () => ({ status: "failed", isPermanent: false, reason: "451" });
  const desk = deskWith(provider);
  await desk.send([wanted("a@example.com", { kind: "secret", text: "old" })]);
  await desk.send([wanted("a@example.com", { kind: "secret", text: "new" })]);
  expect(await rows("SELECT text_body FROM emails")).toEqual([{ text_body: "new" }]);
  const queued = desk.queue([wanted("a@example.com", { kind: "secret" })]);
  await expect(queued).rejects.toThrow("secret");
});

it("a mailbox that there is not is written to no more; another refusal says nothing about it", async () => {
  const provider = new Provider();
  provider.answer = ({ to }) => ({
    status: "failed",
    isPermanent: true,
    reason: "550",
    ...(to.startsWith("gone") && { isBounce: true as const }),
  });
  const desk = deskWith(provider);
  await desk.send([wanted("Gone@example.com"), wanted("spam@example.com")]);
  expect(await rows("SELECT address, reason, detail FROM suppressions")).toEqual([]);
  await desk.send([wanted("gone@example.com"), wanted("spam@example.com", { key: "2" })]);
  expect(await rows("SELECT address, reason, detail FROM suppressions")).toEqual([
    { address: "gone@example.com", reason: "hard_bounce", detail: "550" },
  ]);
  const before = provider.seen.length;
  const outcomes = await desk.send([
    wanted("GONE@example.com", { key: "3" }),
    wanted("spam@example.com", { key: "3" }),
  ]);
  expect(outcomes).toMatchObject([
    { isPermanent: true, reason: "The address is on the suppression list." },
    { isPermanent: true, reason: "550" },
  ]);
  expect(provider.seen.slice(before).map(({ to }) => to)).toEqual(["spam@example.com"]);
});

it("who unsubscribed gets no bulk mail, and all other mail", async () => {
  const provider = new Provider();
  const desk = deskWith(provider);
  await desk.unsubscribe("Ann@example.com");
  const outcomes = await desk.send([
    wanted("ann@example.com", { kind: "bulk" }),
    wanted("ann@example.com"),
  ]);
  expect(outcomes).toMatchObject([
    { status: "failed", isPermanent: true, reason: "Its reader unsubscribed." },
    { status: "sent" },
  ]);
  expect(provider.seen.map(({ template }) => template)).toEqual(["plain"]);
});

it("what is no address is nobody's mail and fails alone", async () => {
  const provider = new Provider();
  const outcomes = await deskWith(provider).send([
    wanted("nobody"),
    wanted("a@example.com\r\nBcc: b@example.com"),
    wanted("a@example.com"),
  ]);
  expect(outcomes).toMatchObject([
    { isPermanent: true, reason: "This is no e-mail address." },
    { isPermanent: true, reason: "This is no e-mail address." },
    { status: "sent" },
  ]);
  expect(provider.sentTo).toEqual(["a@example.com"]);
});

it("bulk mail carries its way out in its text and its headers; other mail has none", async () => {
  const provider = new Provider();
  const desk = deskWith(provider);
  await desk.send([wanted("a@example.com", { kind: "bulk" }), wanted("a@example.com")]);
  const [bulk, plain] = provider.seen;
  const link = /https:\/\/shop\.example\.com\/api\/mail\/unsubscribe\/([\w.-]+)\//.exec(
    bulk?.text ?? "",
  );
  expect(bulk?.headers).toEqual({
    "List-Unsubscribe": `<${link?.[0]}>`,
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
  });
  expect(bulk?.html).toContain(`href="${link?.[0]}"`);
  expect(await desk.readerOf(link?.[1] ?? "")).toBe("a@example.com");
  expect([plain?.headers, plain?.text]).toEqual([{}, "text"]);
});

it("the text of bulk mail that is through is kept no longer, where mail is really sent", async () => {
  for (const [keepsMail, length] of [
    [false, 0],
    [true, 1],
  ] as const) {
    await emptyTables();
    const desk = deskWith(new Provider(keepsMail));
    await desk.send([wanted("a@example.com", { kind: "bulk" })]);
    expect(await rows("SELECT min(length(text_body), 1) AS length FROM emails")).toEqual([
      { length },
    ]);
  }
});

it("many long mails go out, and no parameter is longer than the database takes", async () => {
  const provider = new Provider();
  const meter = new Meter();
  const text = `«"Ж"» `.repeat(20_000 / 6);
  const many = Array.from({ length: 60 }, (_, n) => wanted(`${n}@example.com`, { text }));
  const outcomes = await deskWith(provider, meteredDatabase(env.DB, meter)).send(many);
  expect(outcomes.every(({ status }) => status === "sent")).toBe(true);
  expect(provider.seen).toHaveLength(60);
  const lengths = meter.statements.flatMap(({ values }) =>
    values.map((value) => new TextEncoder().encode(String(value)).length),
  );
  expect(Math.max(...lengths)).toBeLessThan(2_000_000);
});

it("a mail costs four rows, and two more when it was queued and is taken in hand", async () => {
  const meter = new Meter();
  const database = meteredDatabase(env.DB, meter);
  const desk = deskWith(new Provider(), database);
  await desk.send([wanted("a@example.com"), wanted("b@example.com")]);
  expect(meter.rowsWritten).toBe(2 * 4);
  meter.rowsWritten = 0;
  await queue(desk, [wanted("c@example.com"), wanted("d@example.com")], database);
  expect(meter.rowsWritten).toBe(2 * 3);
  meter.rowsWritten = 0;
  await desk.sweep(10);
  expect(meter.rowsWritten).toBe(2 * 3);
});

it("no statement of the desk looks at mails that it has nothing to do with", async () => {
  const meter = new Meter();
  const provider = new Provider();
  provider.answer = ({ to }) =>
    to === "gone@example.com"
      ? { status: "failed", isPermanent: true, isBounce: true, reason: "550" }
      : { status: "failed", isPermanent: false, reason: "451" };
  const desk = deskWith(provider, meteredDatabase(env.DB, meter));
  await desk.send([wanted("a@example.com"), wanted("gone@example.com")]);
  await desk.send([wanted("gone@example.com")]);
  now += HOUR;
  await desk.sweep(10);
  const plans = await Promise.all(meter.statements.map((one) => planOf(env.DB, one)));
  const ofMails = plans.flat().filter((step) => /\b(emails|suppressions)\b/.test(step));
  expect([...new Set(ofMails)].toSorted()).toEqual([
    "SEARCH emails USING INDEX emails_due (due_at<?)",
    "SEARCH emails USING INDEX emails_due_secret (due_at<?)",
    "SEARCH emails USING PRIMARY KEY (task_id=? AND to_address=? AND template=?)",
    "SEARCH suppressions USING PRIMARY KEY (address=?)",
  ]);
});

import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import { withdrawMail, type MailOutcome } from "#domain/mail";
import { createResendTransport } from "../../../src/integrations/mail/resend-transport.ts";
import { FakeResend, RESEND_KEY, type ResendFault } from "../../resend.ts";
import { Faults, faultyDatabase } from "./faults.ts";
import { Provider, wanted } from "./provider.ts";
import { createShop, emptyTables, rows } from "./shop.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const BEGIN = 1_900_000_000_000;

let now = BEGIN;
const clock = { now: () => now };
const timers = { after: () => () => undefined };
let resend = new FakeResend(clock.now);

beforeEach(async () => {
  now = BEGIN;
  resend = new FakeResend(clock.now);
  await emptyTables();
});

function shop(database: D1Database = env.DB) {
  const settings = { apiKey: RESEND_KEY, url: "https://r.test", from: "shop@shop.example.com" };
  const transport = createResendTransport(settings, { clock, timers, request: resend.fetch });
  return createShop({ database, transport, services: { clock } });
}

const thirty = Array.from({ length: 30 }, (_, n) =>
  wanted(n === 11 ? "poison@example.com" : `${n}@example.com`),
);
/** Whatever has this mail in it is refused as a whole. */
function refusePoison(): void {
  resend.fault = ({ body }) => (body.includes("poison@") ? "refused" : null);
}

async function expectOneFailed(): Promise<void> {
  expect(await rows("SELECT state, count(*) AS n FROM emails GROUP BY 1 ORDER BY 1")).toEqual([
    { state: "failed", n: 1 },
    { state: "sent", n: 29 },
  ]);
  expect(await rows("SELECT to_address FROM emails WHERE state = 'failed'")).toEqual([
    { to_address: "poison@example.com" },
  ]);
  expect(resend.taken).toHaveLength(29);
}

it("of a batch that is refused as a whole each mail goes alone next time, and one alone fails", async () => {
  refusePoison();
  const { db, services } = shop();
  const [queued] = await services.mail.queue(thirty);
  if (queued !== undefined) await db.batch([queued]);
  expect(await services.mail.sweep(100)).toMatchObject({ sent: 0, waiting: 30 });
  for (now += MINUTE; (await services.mail.sweep(100)).end !== "empty";);
  await expectOneFailed();
});

it("who asks again for mails of such a batch has them sent alone", async () => {
  refusePoison();
  const { mail } = shop().services;
  await mail.send(thirty);
  now += MINUTE;
  const outcomes: MailOutcome[] = await mail.send(thirty);
  expect(outcomes.filter(({ status }) => status === "sent")).toHaveLength(29);
  await expectOneFailed();
});

it("a mail of such a batch is not out: it can be taken back", async () => {
  resend.fault = () => "refused";
  const { db, services } = shop();
  await services.mail.send([wanted("a@example.com"), wanted("b@example.com", { key: "other" })]);
  await db.batch([withdrawMail(db, { key: "other", template: "plain" })]);
  expect(await rows("SELECT state FROM emails ORDER BY to_address")).toEqual([
    { state: "pending" },
    { state: "failed" },
  ]);
});

it("a lost batch that is refused when it is asked for again was not taken: each mail goes alone", async () => {
  const faults: ResendFault[] = ["drop_before"];
  resend.fault = ({ body }) =>
    faults.shift() ?? (body.includes("poison@") ? ("refused" as const) : null);
  const { mail } = shop().services;
  await mail.send(thirty);
  now += MINUTE;
  expect(await mail.sweep(100)).toMatchObject({ sent: 0, waiting: 30 });
  const [first, second] = resend.requests;
  expect(second?.key).toBe(first?.key);
  for (now += HOUR; (await mail.sweep(100)).end !== "empty";);
  await expectOneFailed();
});

it.each(["send", "sweep"] as const)(
  "a database that was slow before a %s takes nothing of the time that mails are in hand",
  async (way) => {
    const queued = createShop({ services: { clock } });
    const [first] = await queued.services.mail.queue([wanted("a@example.com")]);
    if (way === "sweep" && first !== undefined) await queued.db.batch([first]);
    const slow = new Faults();
    const lookUp = way === "send" ? 1 : 3;
    slow.around = (call) => {
      slow.calls += 1;
      if (slow.calls === lookUp) now += MINUTE;
      return call();
    };
    const provider = new Provider();
    const { promise, resolve } = Promise.withResolvers<void>();
    provider.gate = () => promise;
    const database = faultyDatabase(env.DB, slow);
    const { mail } = createShop({ database, transport: provider, services: { clock } }).services;
    const done = way === "send" ? mail.send([wanted("a@example.com")]) : mail.sweep(10);
    await expect.poll(() => provider.asked).toBe(1);
    expect(await rows("SELECT due_at - ?1 AS left FROM emails".replace("?1", String(now)))).toEqual(
      [{ left: 2 * MINUTE }],
    );
    resolve();
    await done;
  },
);

import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import { withdrawMail } from "#domain/mail";
import { createResendTransport } from "../../../src/integrations/mail/resend-transport.ts";
import { FakeResend, RESEND_KEY, type ResendFault } from "../../resend.ts";
import { Meter, meteredDatabase, planOf } from "./meter.ts";
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

function transport() {
  const settings = {
    apiKey: RESEND_KEY,
    url: "https://resend.test",
    from: "Shop <shop@shop.example.com>",
  };
  return createResendTransport(settings, { clock, timers, request: resend.fetch });
}

function desk(database: D1Database = env.DB) {
  return createShop({ database, transport: transport(), services: { clock } }).services.mail;
}

/** Each of these goes wrong once, in this order; then nothing does. */
function faults(...list: (ResendFault | null)[]) {
  const queue = list.values();
  resend.fault = () => queue.next().value ?? null;
}

const sentTo = () => resend.taken.map(({ to }) => to.join()).toSorted();
const keys = () => resend.requests.map(({ key }) => key);
const stored = () =>
  rows<{ to_address: string; state: string; batch_key: string | null; due_at: number }>(
    "SELECT to_address, state, batch_key, due_at FROM emails ORDER BY to_address",
  );

it("mails that were sent say under which name and key the provider has them", async () => {
  const outcomes = await desk().send([wanted("a@example.com"), wanted("b@example.com")]);
  expect(outcomes).toEqual([
    { status: "sent", providerId: "id-1" },
    { status: "sent", providerId: "id-2" },
  ]);
  expect(
    await rows("SELECT provider_id, batch_key, state FROM emails ORDER BY provider_id"),
  ).toEqual(
    ["id-1", "id-2"].map((id) => ({ provider_id: id, batch_key: keys()[0], state: "sent" })),
  );
  expect(await desk().send([wanted("a@example.com")])).toEqual([
    { status: "sent", providerId: "id-1" },
  ]);
});

it.each(["hang_after", "drop_after", "error_after", "garbage_after", "endless_after"] as const)(
  "%s: the same mails are asked for again, in their order, under their key, and go out once",
  async (fault) => {
    faults(fault);
    const to = ["c@example.com", "a@example.com", "b@example.com"];
    const outcomes = await desk().send(to.map((one) => wanted(one)));
    expect(outcomes[0]).toMatchObject({
      isPermanent: false,
      isUnknown: true,
      retryAfterSeconds: 60,
      reason: expect.stringMatching(/^Resend.* \(It may be out\.\)$/),
    });
    expect(await desk().sweep(10)).toMatchObject({ sent: 0, end: "empty" });
    now += MINUTE;
    expect(await desk().sweep(10)).toMatchObject({ sent: 3 });
    const [first, second] = resend.requests;
    expect(second).toEqual(first);
    expect(sentTo()).toEqual(to.toSorted());
  },
);

it("one mail of a lost batch that is asked for brings the others with it, as they were stored", async () => {
  faults("drop_after");
  await desk().send([wanted("a@example.com", { text: "old" }), wanted("b@example.com")]);
  now += MINUTE;
  const again = await desk().send([
    wanted("a@example.com", { text: "new" }),
    wanted("c@example.com"),
  ]);
  expect(again).toMatchObject([{ status: "sent" }, { status: "sent" }]);
  expect(sentTo()).toEqual(["a@example.com", "b@example.com", "c@example.com"]);
  expect(resend.taken[0]?.text).toBe("old");
  expect(await rows("SELECT DISTINCT state FROM emails")).toEqual([{ state: "sent" }]);
});

it("of many who ask for parts of a lost batch at once one asks for it", async () => {
  faults("drop_after");
  const to = ["a", "b", "c", "d"].map((name) => wanted(`${name}@example.com`));
  await desk().send(to);
  now += MINUTE;
  await Promise.all([...to.map((one) => desk().send([one])), desk().sweep(10)]);
  expect(resend.requests).toHaveLength(2);
  expect(await rows("SELECT DISTINCT state FROM emails")).toEqual([{ state: "sent" }]);
});

it("what is known not to be sent loses its key, waits as long as it is asked to, and goes out under another", async () => {
  faults("rate_limit");
  const [outcome] = await desk().send([wanted("a@example.com"), wanted("b@example.com")]);
  expect(outcome).toMatchObject({ isPermanent: false, retryAfterSeconds: 120 });
  expect(outcome).not.toHaveProperty("isUnknown");
  expect(await stored()).toMatchObject([
    { state: "pending", batch_key: null, due_at: BEGIN + 120_000 },
    { state: "pending", batch_key: null },
  ]);
  expect(await desk().send([wanted("a@example.com")])).toMatchObject([{ status: "sent" }]);
  now += 2 * MINUTE;
  await desk().sweep(10);
  expect(new Set(keys()).size).toBe(3);
  expect(sentTo()).toEqual(["a@example.com", "b@example.com"]);
});

it("a day's quota is asked for again within the hour", async () => {
  faults("daily_quota");
  expect(await desk().send([wanted("a@example.com")])).toMatchObject([
    { retryAfterSeconds: 3_600 },
  ]);
});

it.each(["rate_limit", "concurrent", "error_before", "drop_before"] as const)(
  "a lost batch that meets %s keeps its key",
  async (fault) => {
    faults("drop_after", fault);
    await desk().send([wanted("a@example.com"), wanted("b@example.com")]);
    now += MINUTE;
    expect(await desk().sweep(10)).toMatchObject({ waiting: 2 });
    now += HOUR;
    expect(await desk().sweep(10)).toMatchObject({ sent: 2 });
    expect(new Set(keys()).size).toBe(1);
    expect(resend.taken).toHaveLength(2);
  },
);

it("an answer that stays lost for 23 hours ends the mails as failed, and nobody asks again", async () => {
  resend.fault = () => "drop_after";
  await desk().send([wanted("a@example.com"), wanted("b@example.com")]);
  for (; now < BEGIN + 22 * HOUR; now += HOUR) await desk().sweep(10);
  expect(await stored()).toMatchObject([{ state: "pending" }, { state: "pending" }]);
  now = BEGIN + 23 * HOUR + 1;
  const asked = resend.requests.length;
  expect(await desk().sweep(10)).toMatchObject({ failed: 2, waiting: 0 });
  expect(await desk().send([wanted("a@example.com")])).toEqual([
    {
      status: "failed",
      isPermanent: true,
      reason: "The provider's answer got lost, and it is too late to ask again. (It may be out.)",
    },
  ]);
  expect(resend.requests).toHaveLength(asked);
  expect(resend.taken).toHaveLength(2);
});

it("an error that the provider keeps for a key is never got around with another one", async () => {
  faults("error_stored");
  await desk().send([wanted("a@example.com")]);
  for (; now < BEGIN + 26 * HOUR; now += HOUR) await desk().sweep(10);
  expect(new Set(keys()).size).toBe(1);
  expect(await rows("SELECT state, batch_key FROM emails")).toEqual([
    { state: "failed", batch_key: keys()[0] },
  ]);
});

it("another request under the key: what went out then is not sent again", async () => {
  faults("drop_after");
  await desk().send([wanted("a@example.com"), wanted("b@example.com")]);
  await env.DB.exec("UPDATE emails SET subject = 'changed' WHERE to_address = 'b@example.com'");
  now += MINUTE;
  expect(await desk().sweep(10)).toMatchObject({ failed: 2 });
  expect(await rows("SELECT DISTINCT state, reason FROM emails")).toEqual([
    {
      state: "failed",
      reason: expect.stringMatching(
        /^Resend: 409 invalid_idempotent_request .*\(It may be out\.\)$/,
      ),
    },
  ]);
  expect(resend.taken).toHaveLength(2);
});

it("who is put on the suppression list while the answer is lost does not change the batch", async () => {
  faults("drop_after");
  await desk().send([wanted("a@example.com", { kind: "bulk" }), wanted("b@example.com")]);
  await desk().unsubscribe("a@example.com");
  now += MINUTE;
  expect(await desk().sweep(10)).toMatchObject({ sent: 2 });
  expect(resend.taken).toHaveLength(2);
});

it("who is on the suppression list is in no batch, also not in one that is repeated", async () => {
  await desk().unsubscribe("a@example.com");
  faults("drop_after");
  await desk().send([wanted("a@example.com", { kind: "bulk" }), wanted("b@example.com")]);
  now += 3 * MINUTE;
  await desk().sweep(10);
  expect(sentTo()).toEqual(["b@example.com"]);
  expect(resend.requests.map(({ path }) => path)).toEqual(["/emails", "/emails"]);
});

it("a mail with a secret goes out alone, under a key of its try; its text is stored nowhere", async () => {
  const secret = (text: string) => wanted("a@example.com", { kind: "secret", text });
  faults(null, "drop_after");
  await desk().send([secret("first"), wanted("b@example.com")]);
  now += MINUTE;
  await desk().sweep(10);
  await desk().send([secret("second")]);
  // At least once: another text can't be the same mail.
  expect(resend.taken.map(({ to, text }) => `${to[0]} ${text}`)).toEqual([
    "b@example.com text",
    "a@example.com first",
    "a@example.com second",
  ]);
  expect(new Set(keys()).size).toBe(3);
  expect(JSON.stringify(await rows("SELECT * FROM emails"))).not.toMatch(/first|second/);
});

it("one mail that is refused keeps no other back", async () => {
  const outcomes = await desk().send(
    ["a", "bad", "c"].map((name) => wanted(`${name}@example.com`)),
  );
  expect(outcomes).toMatchObject([
    { status: "sent", providerId: "id-1" },
    { isPermanent: true, reason: "Resend: Invalid `to` field." },
    { status: "sent", providerId: "id-2" },
  ]);
  expect(await rows("SELECT * FROM suppressions")).toEqual([]);
});

it("a queued mail that may be out is not taken back", async () => {
  const { db, services } = createShop({ transport: transport(), services: { clock } });
  faults("drop_after");
  await services.mail.send([wanted("a@example.com")]);
  await db.batch([withdrawMail(db, { key: "key", template: "plain" })]);
  expect(await stored()).toMatchObject([{ state: "pending" }]);
});

it("another transport that knows no keys sends what may be out, each by itself", async () => {
  faults("drop_after");
  await desk().send([wanted("a@example.com"), wanted("b@example.com")]);
  now += MINUTE;
  const provider = new Provider();
  const other = createShop({ transport: provider, services: { clock } }).services.mail;
  expect(await other.sweep(10)).toMatchObject({ sent: 2 });
  expect(await rows("SELECT DISTINCT batch_key FROM emails")).toEqual([{ batch_key: null }]);
});

it("a key costs no rows: four for a mail, three more for a batch that is asked for again", async () => {
  const meter = new Meter();
  const metered = desk(meteredDatabase(env.DB, meter));
  await metered.send([wanted("a@example.com"), wanted("b@example.com")]);
  expect(meter.rowsWritten).toBe(2 * 4);
  meter.rowsWritten = 0;
  faults("drop_after");
  await metered.send([wanted("c@example.com"), wanted("d@example.com")]);
  expect(meter.rowsWritten).toBe(2 * 5);
  now += MINUTE;
  meter.rowsWritten = 0;
  await metered.sweep(10);
  expect(meter.rowsWritten).toBe(2 * 3);
});

it("a lost batch is found among ten thousand mails by its time", async () => {
  faults("drop_after");
  await desk().send([wanted("a@example.com"), wanted("b@example.com")]);
  await env.DB.exec(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) INSERT INTO emails (task_id, to_address, template, message_id, subject, text_body, html_body, created_at, state, due_at) SELECT 'k' || i, 'x@example.com', 't', '<x>', 's', 't', 'h', 0, 'pending', 9000000000000 FROM n",
  );
  now += MINUTE;
  const meter = new Meter();
  await desk(meteredDatabase(env.DB, meter)).sweep(10);
  expect(meter.rowsRead).toBeLessThan(100);
  const plans = await Promise.all(meter.statements.map((one) => planOf(env.DB, one)));
  expect(plans.flat()).toContain("SEARCH emails USING INDEX emails_due (due_at=?)");
});

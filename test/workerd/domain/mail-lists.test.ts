import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import { addSuppression, findEmails, listSuppressions } from "#domain/mail";
import { Meter, meteredDatabase, planOf } from "./meter.ts";
import { Provider, wanted } from "./provider.ts";
import { createShop, emptyTables } from "./shop.ts";

const BEGIN = 1_900_000_000_000;
let now = BEGIN;
const clock = { now: () => now };

beforeEach(async () => {
  now = BEGIN;
  await emptyTables();
});

/** Mails of three keys, one after the other, the second of them failed. */
async function someMails() {
  const provider = new Provider();
  provider.answer = ({ to }) =>
    to.startsWith("bad")
      ? { status: "failed", isPermanent: true, reason: "550" }
      : { status: "sent" };
  const { db, services } = createShop({ transport: provider, services: { clock } });
  for (const [key, to] of [
    ["order:9", "A@example.com"],
    ["01930000-0000", "bad@example.com"],
    ["cart:1", "b@example.com"],
    ["cart:1", "c@example.com"],
  ] as const) {
    now += 1_000;
    await services.mail.send([wanted(to, { key })]);
  }
  return db;
}

const all = { limit: 10, after: null };

it("the newest mails come first, whatever their keys are", async () => {
  const db = await someMails();
  const { emails, next } = await findEmails(db, {}, all);
  expect(emails.map(({ toAddress }) => toAddress)).toEqual([
    "c@example.com",
    "b@example.com",
    "bad@example.com",
    "A@example.com",
  ]);
  expect(next).toBeNull();
});

it.each([
  [{ state: "failed" }, ["bad@example.com"]],
  [{ to: "a@EXAMPLE.com" }, ["A@example.com"]],
  [{ taskId: "cart:1" }, ["b@example.com", "c@example.com"]],
  [{ taskId: "cart:1", to: "c@example.com" }, ["c@example.com"]],
  [{ template: "plain", state: "sent", to: "b@example.com" }, ["b@example.com"]],
  [{ template: "other" }, []],
] as const)("mails by %o", async (query, wantedMails) => {
  const { emails } = await findEmails(await someMails(), query, all);
  expect(emails.map(({ toAddress }) => toAddress)).toEqual(wantedMails);
});

it.each([{}, { taskId: "cart:1" }, { state: "sent" }, { template: "plain" }] as const)(
  "pages of one go through all of %o, each once",
  async (query) => {
    const db = await someMails();
    const whole = await findEmails(db, query, all);
    const seen: string[] = [];
    let after: Awaited<ReturnType<typeof findEmails>>["next"] = null;
    do {
      const page: Awaited<ReturnType<typeof findEmails>> = await findEmails(db, query, {
        limit: 1,
        after,
      });
      seen.push(...page.emails.map(({ toAddress }) => toAddress));
      after = page.next;
    } while (after !== null);
    expect(seen).toEqual(whole.emails.map(({ toAddress }) => toAddress));
  },
);

it("what is rare is found on a later page, and no page looks at more than a thousand mails", async () => {
  const { db } = createShop();
  await env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
     INSERT INTO emails (task_id, to_address, template, message_id, subject,
       text_body, html_body, created_at, headers, state, attempts, due_at, reason)
     SELECT 'k' || i, 'a@example.com', 'plain', '<x>', 's', 't', 'h', i, NULL,
       iif(i = 100, 'failed', 'sent'), 1, 0, NULL FROM n`,
  ).run();
  const meter = new Meter();
  const metered = createShop({ database: meteredDatabase(env.DB, meter) }).db;
  const first = await findEmails(metered, { state: "failed" }, all);
  expect(first.emails).toEqual([]);
  expect(meter.rowsRead).toBeLessThan(2_100);
  const second = await findEmails(db, { state: "failed" }, { limit: 10, after: first.next });
  const third = await findEmails(db, { state: "failed" }, { limit: 10, after: second.next });
  expect(third).toMatchObject({ emails: [{ taskId: "k100" }], next: null });
});

it("lists are read along an index, without sorting", async () => {
  const meter = new Meter();
  const { db } = createShop({ database: meteredDatabase(env.DB, meter) });
  const place = { createdAt: now, taskId: "k", toAddress: "a", template: "t" };
  await findEmails(db, {}, { limit: 10, after: place });
  await findEmails(db, { taskId: "k" }, { limit: 10, after: place });
  await listSuppressions(db, { after: { address: "a", reason: "unsubscribed" }, limit: 10 });
  const plans = await Promise.all(meter.statements.map((one) => planOf(env.DB, one)));
  expect(plans.flat()).toEqual([
    "SEARCH emails USING INDEX emails_by_time ((created_at,task_id,to_address,template)<(?,?,?,?))",
    "SEARCH emails USING PRIMARY KEY (task_id=? AND (to_address,template)>(?,?))",
    "SEARCH suppressions USING PRIMARY KEY ((address,reason)>(?,?))",
  ]);
});

it("an address is on the list once for each reason, as it was put there first", async () => {
  const { db } = createShop();
  const entry = {
    address: "A@example.com",
    reason: "hard_bounce",
    detail: "first",
    createdAt: 1,
  } as const;
  expect(await addSuppression(db, entry)).toMatchObject({ isNew: true });
  const again = await addSuppression(db, { ...entry, address: "a@example.com", detail: "second" });
  expect(again).toEqual({
    suppression: { ...entry, address: "a@example.com" },
    isNew: false,
  });
  await addSuppression(db, { ...entry, reason: "unsubscribed" });
  expect(await listSuppressions(db, { after: null, limit: 10 })).toHaveLength(2);
});

import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import type { MailTransport } from "#domain/mail";
import { shopTasks } from "../../../src/domain/index.ts";
import { createResendTransport } from "../../../src/integrations/mail/resend-transport.ts";
import { FakeResend, RESEND_KEY } from "../../resend.ts";
import { Meter, meteredDatabase, planOf } from "./meter.ts";
import { Provider, wanted } from "./provider.ts";
import { createShop, emptyTables, rows } from "./shop.ts";

const MINUTE = 60_000;
const BEGIN = 1_900_000_000_000;

let now = BEGIN;
const clock = { now: () => now };
const timers = { after: () => () => undefined };

beforeEach(async () => {
  now = BEGIN;
  await emptyTables();
});

/** Runs `send_pending_emails`. */
async function sendPending(transport: MailTransport, params: object, database = env.DB) {
  const { services, lovage } = createShop({ database, transport, services: { clock } });
  const definition = shopTasks.find(({ name }) => name === "send_pending_emails");
  const { signal } = new AbortController();
  const log = Object.assign(() => undefined, { warn: () => undefined });
  const ctx = { taskId: "task", services, lovage, signal, log };
  const handler = definition?.handler as (params: unknown, ctx: unknown) => Promise<unknown>;
  return handler(definition?.params.parse(params), ctx);
}

/** Mails that wait for their next try, each a second later than the one before. */
function insertLater(count: number) {
  return env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
     INSERT INTO emails (task_id, to_address, template, message_id, subject, text_body, html_body,
       created_at, state, attempts, due_at)
     SELECT 'event:' || i, i || '@example.com', 'plain', '<x>', 's', 't', 'h', ?2, 'pending', 1,
       ?2 + i * 1000 FROM n`,
  )
    .bind(count, BEGIN)
    .run();
}

it("with `now` all that waits for its next try is tried, each once; without, it waits", async () => {
  await insertLater(1_200);
  const provider = new Provider();
  provider.answer = ({ to }) =>
    to.startsWith("7@")
      ? { status: "failed", isPermanent: false, reason: "451" }
      : { status: "sent" };
  expect(await sendPending(provider, {})).toMatchObject({ sent_count: 0 });
  expect(await sendPending(provider, { now: true })).toEqual({
    sent_count: 1_199,
    failed_count: 0,
    waiting_count: 1,
  });
  expect(provider.seen).toHaveLength(1_200);
  expect(await rows("SELECT attempts, due_at FROM emails WHERE state = 'pending'")).toEqual([
    { attempts: 2, due_at: BEGIN + 2 * MINUTE },
  ]);
});

it("with `now` what somebody has in hand stays there", async () => {
  const slow = new Provider();
  const { promise, resolve } = Promise.withResolvers<void>();
  slow.gate = () => promise;
  const first = createShop({ transport: slow, services: { clock } }).services.mail;
  const sending = first.send([wanted("a@example.com")]);
  await expect.poll(() => slow.asked).toBe(1);
  const provider = new Provider();
  now += MINUTE;
  expect(await sendPending(provider, { now: true })).toMatchObject({ sent_count: 0 });
  resolve();
  expect(await sending).toEqual([{ status: "sent" }]);
  expect(provider.asked).toBe(0);
});

it("with `now` batches that may be out are asked for again whole, under their keys", async () => {
  const resend = new FakeResend(clock.now);
  const settings = { apiKey: RESEND_KEY, url: "https://resend.test", from: "s@shop.example.com" };
  const transport = createResendTransport(settings, { clock, timers, request: resend.fetch });
  const desk = createShop({ transport, services: { clock } }).services.mail;
  resend.fault = () => "drop_after";
  // More than are brought forward at a time, so that one of the batches is at the border.
  for (let batch = 0; batch < 13; batch += 1) {
    now += 1;
    const to = Array.from({ length: 47 }, (_, n) =>
      wanted(`${n}@example.com`, { key: `${batch}` }),
    );
    await desk.send(to);
  }
  resend.fault = () => null;
  const first = resend.requests.splice(0);
  const answer = await sendPending(transport, { now: true });
  expect(answer).toMatchObject({ sent_count: 13 * 47, waiting_count: 0 });
  const byKey = (requests: typeof first) => requests.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  expect(byKey(resend.requests)).toEqual(byKey(first));
  expect(resend.taken).toHaveLength(13 * 47);
});

it("bringing mails forward costs two rows each, and looks at no others", async () => {
  await insertLater(1_000);
  await env.DB.exec(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO emails (task_id, to_address, template, message_id, subject, text_body, html_body, created_at) SELECT 'k' || i, 'x@example.com', 't', '<x>', 's', 't', 'h', 0 FROM n",
  );
  const meter = new Meter();
  const database = meteredDatabase(env.DB, meter);
  await createShop({ database, services: { clock } }).services.mail.bringForward();
  expect(meter.rowsWritten).toBe(2 * 1_000);
  expect(meter.rowsRead).toBeLessThan(5_000);
  expect(meter.statements).toHaveLength(3);
  const plans = await Promise.all(meter.statements.map((one) => planOf(env.DB, one)));
  expect(plans.flat().filter((line) => line.startsWith("SCAN emails"))).toEqual([]);
});

import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import { drizzle } from "drizzle-orm/d1";
import { LeaseLostError, TaskRevokedError, type TaskContext } from "#engine";
import { usersInParts } from "../../../src/domain/accounts/index.ts";
import { shopTasks, type ShopServices } from "../../../src/domain/index.ts";
import { Faults, faultyDatabase } from "./faults.ts";
import { Provider } from "./provider.ts";
import { createShop, emptyTables, rows, run } from "./shop.ts";

const MINUTE = 60_000;
const BEGIN = 1_900_000_000_000;
let now = BEGIN;
const clock = { now: () => now };

beforeEach(async () => {
  now = BEGIN;
  await emptyTables();
});

/** Runs a task's handler, as its consumer does. */
async function handle(
  name: string,
  params: object,
  {
    provider = new Provider(),
    id = "task",
    signal = new AbortController().signal,
    replace = (_call: unknown): void => undefined,
    database = env.DB,
  } = {},
): Promise<unknown> {
  const { services, lovage } = createShop({ database, transport: provider, services: { clock } });
  const definition = shopTasks.find((task) => task.name === name);
  const ctx = {
    taskId: id,
    services,
    lovage,
    signal,
    replace,
    log: Object.assign(() => undefined, { warn: () => undefined }),
  } as unknown as TaskContext<ShopServices>;
  const handler = definition?.handler as (
    params: unknown,
    ctx: TaskContext<ShopServices>,
  ) => unknown;
  return handler(definition?.params.parse(params), ctx);
}

function insertPending(count: number) {
  return env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
     INSERT INTO emails (task_id, to_address, template, message_id, subject,
       text_body, html_body, created_at, headers, state, attempts, due_at, reason)
     SELECT 'event:' || i, i || '@example.com', 'plain', '<x>', 's', 't', 'h', ?, NULL,
       'pending', 0, ?, NULL FROM n`,
  )
    .bind(count, BEGIN, BEGIN)
    .run();
}

async function insertUsers(
  ...people: readonly {
    id: number;
    role?: string;
    locale?: string;
    email?: string;
    createdAt?: number;
    ownsEmail?: boolean;
  }[]
) {
  await env.DB.batch(
    people.map((person) => {
      const { id, role = "user", locale = null, email = `${id}@example.com` } = person;
      const { createdAt = 0, ownsEmail = true } = person;
      return env.DB.prepare("INSERT INTO users VALUES (?, ?, ?, '', '', '', ?, ?, ?, ?)").bind(
        ...[id, `user${id}`, email, role, locale, createdAt, ownsEmail ? 1 : 0],
      );
    }),
  );
}

async function insertBulk(audience: object, chunkSize = 2): Promise<string> {
  await env.DB.prepare("INSERT INTO bulk_notifications VALUES ('bulk', 'News', 'Hello.', ?, ?, 1)")
    .bind(JSON.stringify(audience), chunkSize)
    .run();
  return "bulk";
}

const refusing = (...addresses: readonly string[]) => {
  const provider = new Provider();
  provider.answer = ({ to }) =>
    addresses.includes(to)
      ? { status: "failed", isPermanent: true, reason: "550" }
      : { status: "sent" };
  return provider;
};

it("send_pending_emails sends what waits and says how it went", async () => {
  await insertPending(250);
  const provider = refusing("7@example.com");
  expect(await handle("send_pending_emails", {}, { provider })).toEqual({
    sent_count: 249,
    failed_count: 1,
    waiting_count: 0,
  });
  expect(await handle("send_pending_emails", {}, { provider })).toMatchObject({ sent_count: 0 });
  expect(provider.seen).toHaveLength(250);
});

it("send_pending_emails goes on in another task when its time is up, or it is told to stop", async () => {
  await insertPending(350);
  const provider = new Provider();
  provider.gate = () => {
    now += 6 * MINUTE;
    return Promise.resolve();
  };
  const first = await handle("send_pending_emails", {}, { provider });
  expect(first).toMatchObject({ sent_count: 100, continued_by: expect.any(String) });
  provider.gate = () => Promise.resolve();
  const signal = AbortSignal.abort();
  const second = await handle("send_pending_emails", {}, { provider, signal });
  expect(second).toMatchObject({ sent_count: 100, continued_by: expect.any(String) });
});

it.each([new TaskRevokedError("terminated"), new LeaseLostError()])(
  "send_pending_emails does not go on in another task when it was stopped: $message",
  async (reason) => {
    await insertPending(150);
    const sent = handle("send_pending_emails", {}, { signal: AbortSignal.abort(reason) });
    await expect(sent).rejects.toBe(reason);
  },
);

it("a list of mails that is stopped begins no further batch", async () => {
  const provider = new Provider();
  const stop = new AbortController();
  provider.gate = () => {
    stop.abort(new TaskRevokedError("terminated"));
    return Promise.resolve();
  };
  const list = Array.from({ length: 120 }, (_, n) => `${n}@example.com`);
  const params = { subject: "Hi", message: "x", recipient_list: list };
  const sent = handle("send_email_notification", params, { provider, signal: stop.signal });
  await expect(sent).rejects.toMatchObject({ name: "TaskRevokedError" });
  expect(provider.seen).toHaveLength(50);
  expect(await rows("SELECT state, count(*) AS count FROM emails GROUP BY 1")).toEqual([
    { state: "sent", count: 50 },
  ]);
});

it("send_pending_emails goes on in another task before its consumer has no queries left", async () => {
  await insertPending(9_000);
  const faults = new Faults();
  const database = faultyDatabase(env.DB, faults);
  expect(await handle("send_pending_emails", {}, { database })).toMatchObject({
    sent_count: 8_000,
    continued_by: expect.any(String),
  });
  expect(faults.calls).toBeLessThan(800);
});

it("send_pending_emails fails when the provider is down, and the mails stay", async () => {
  await insertPending(120);
  const provider = new Provider();
  provider.gate = () => Promise.reject(new Error("421 Closed."));
  const sent = handle("send_pending_emails", {}, { provider });
  await expect(sent).rejects.toMatchObject({
    name: "MailUnavailableError",
    message: "421 Closed.",
  });
  expect(await rows("SELECT count(*) AS count FROM emails WHERE state = 'pending'")).toEqual([
    { count: 120 },
  ]);
});

it("send_email_notification counts who has it, and names who will never get it", async () => {
  const list = [
    "a@example.com",
    "gone@example.com",
    "not an address",
    "A@Example.com",
    "b@example.com",
  ];
  const provider = refusing("gone@example.com");
  const params = { subject: "Hi", message: "One.\n\nTwo.", recipient_list: list };
  expect(await handle("send_email_notification", params, { provider })).toEqual({
    sent_count: 2,
    failed_count: 2,
    failed_emails: ["gone@example.com", "not an address"],
  });
  expect(provider.sentTo).toEqual(["a@example.com", "b@example.com"]);
  expect(provider.seen[0]).toMatchObject({ subject: "Hi", text: "One.\n\nTwo.", headers: {} });
});

it("send_email_notification to nobody sends nothing", async () => {
  const params = { subject: "Hi", message: "x", recipient_list: [] };
  expect(await handle("send_email_notification", params)).toEqual({
    sent_count: 0,
    failed_count: 0,
    failed_emails: [],
  });
});

it("a list of which one can't be reached is tried again when that is worth it, and for that one only", async () => {
  const provider = new Provider();
  provider.answer = ({ to }) =>
    to === "later@example.com" && now === BEGIN
      ? { status: "failed", isPermanent: false, reason: "451" }
      : { status: "sent" };
  const params = {
    subject: "Hi",
    message: "x",
    recipient_list: ["a@example.com", "later@example.com", "b@example.com"],
  };
  const first = handle("send_email_notification", params, { provider });
  await expect(first).rejects.toMatchObject({
    name: "MailUnavailableError",
    message: "1 of 3 mails could not be sent yet.",
    retryAfterSeconds: 60,
  });
  now += MINUTE;
  expect(await handle("send_email_notification", params, { provider })).toMatchObject({
    sent_count: 3,
  });
  expect(provider.seen.slice(3).map(({ to }) => to)).toEqual(["later@example.com"]);
});

it("a task whose mail can't be sent yet is retried when the desk would try, and ends as its mail does", async () => {
  const provider = new Provider();
  provider.answer = () => ({ status: "failed", isPermanent: false, reason: "421" });
  const { services } = createShop({ transport: provider, services: { clock } });
  const call = { kwargs: { order_id: "1", customer_email: "a@example.com" }, id: "t" };
  const tryIt = (retries: number) =>
    run(services, "send_order_confirmation_email", [{ ...call, retries }]);
  expect(await tryIt(0)).toMatchObject([{ kind: "retry", delayMs: MINUTE }]);
  now += MINUTE;
  expect(await tryIt(1)).toMatchObject([{ kind: "retry", delayMs: 2 * MINUTE }]);
  now += 2 * MINUTE;
  provider.answer = () => ({ status: "sent" });
  await services.mail.sweep(10);
  expect(await tryIt(2)).toMatchObject([{ kind: "success" }]);
  expect(provider.seen).toHaveLength(3);
});

it("a chunk writes to its part of the list, in everybody's language", async () => {
  await insertUsers({ id: 3, locale: "ru" }, { id: 5 }, { id: 9 });
  const bulk = await insertBulk({ userIds: [3, 4, 5, 9] });
  const provider = new Provider();
  const params = (chunk: number) => ({ bulk_id: bulk, chunk });
  expect(await handle("send_notification_chunk", params(0), { provider })).toEqual({
    sent_count: 1,
    failed_count: 0,
    failed_emails: [],
    skipped_count: 1,
  });
  expect(await handle("send_notification_chunk", params(1), { provider })).toMatchObject({
    sent_count: 2,
  });
  expect(provider.sentTo).toEqual(["3@example.com", "5@example.com", "9@example.com"]);
  expect(provider.seen[0]?.text).toMatch(/^Hello\.\n\nОтписаться от рассылки: https:/);
  expect(provider.seen[1]?.text).toMatch(/^Hello\.\n\nUnsubscribe: https:/);
});

it.each([
  [null, ["1@example.com", "2@example.com", "4@example.com", "7@example.com"]],
  ["user" as const, ["1@example.com", "4@example.com", "7@example.com"]],
])(
  "the chunks of everybody (role %s) reach each account that there was, once",
  async (role, all) => {
    await insertUsers({ id: 1 }, { id: 2, role: "admin" }, { id: 4 }, { id: 7 });
    // Nobody is written to by way of an account whose address is another's.
    await insertUsers({ id: 6, email: "1@example.com", ownsEmail: false });
    const db = drizzle(env.DB);
    const parts = await usersInParts(db, role, () => 2);
    expect(parts).toHaveLength(2);
    const bulk = await insertBulk({ parts, role });
    // Who comes later is in none.
    await insertUsers({ id: 3, createdAt: 2 });
    const provider = new Provider();
    for (const chunk of [0, 1, 0, 1]) {
      await handle("send_notification_chunk", { bulk_id: bulk, chunk }, { provider });
    }
    expect(provider.sentTo).toEqual(all);
  },
);

it("a bulk notification that runs again is for those it was for", async () => {
  await insertUsers({ id: 100 });
  const replaced: unknown[] = [];
  const replace = (call: unknown) => {
    replaced.push(call);
  };
  const params = { subject: "News", message: "Hello.", audience: "all" };
  await handle("send_bulk_notifications", params, { id: "bulk", replace });
  await insertUsers({ id: 101 });
  await handle("send_bulk_notifications", params, { id: "bulk", replace });
  expect(replaced).toHaveLength(2);
  expect(replaced[1]).toEqual(replaced[0]);
  expect(await rows("SELECT id, audience, chunk_size FROM bulk_notifications")).toEqual([
    { id: "bulk", audience: '{"parts":[100],"role":null}', chunk_size: 0 },
  ]);
});

it("people who unsubscribed are skipped; bounced addresses have failed", async () => {
  const bulk = await insertBulk({ emails: ["out@example.com", "gone@example.com"] });
  await env.DB.exec(
    "INSERT INTO suppressions VALUES ('out@example.com', 'unsubscribed', NULL, 0), ('gone@example.com', 'hard_bounce', '550', 0)",
  );
  const provider = new Provider();
  const send = () => handle("send_notification_chunk", { bulk_id: bulk, chunk: 0 }, { provider });
  const result = {
    sent_count: 0,
    failed_count: 1,
    failed_emails: ["gone@example.com"],
    skipped_count: 1,
  };
  expect(await send()).toEqual(result);
  expect(await send()).toEqual(result);
  expect(provider.seen).toEqual([]);
});

it("of a chunk that failed for good those have failed who are not known to have their mail", async () => {
  const emails = ["a@example.com", "b@example.com", "c@example.com", "d@example.com"];
  const bulk = await insertBulk({ emails });
  const provider = new Provider();
  provider.answer = ({ to }) =>
    to === "d@example.com"
      ? { status: "failed", isPermanent: false, reason: "451" }
      : { status: "sent" };
  const first = await handle("send_notification_chunk", { bulk_id: bulk, chunk: 0 }, { provider });
  await expect(
    handle("send_notification_chunk", { bulk_id: bulk, chunk: 1 }, { provider }),
  ).rejects.toThrow("could not be sent yet");
  const lost = { error: { exc_type: "X", exc_message: "x", task_id: "t" } };
  expect(await handle("sum_notifications", { chunks: [first, lost], bulk_id: bulk })).toEqual({
    sent_count: 3,
    failed_count: 1,
    failed_emails: ["d@example.com"],
  });
});

it("a chunk of a notification that nobody asked for fails at once", async () => {
  const sent = handle("send_notification_chunk", { bulk_id: "none", chunk: 0 });
  await expect(sent).rejects.toThrow("There is no bulk notification none.");
});

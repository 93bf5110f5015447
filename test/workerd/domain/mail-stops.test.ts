import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { beforeEach, expect, it } from "vitest";
import type { TaskContext } from "#engine";
import { MailDesk, MailStoppedError, MailUnavailableError, Unsubscribe } from "#domain/mail";
import { deriveKeys } from "#platform/secrets/derived-keys.ts";
import { shopTasks, type ShopServices } from "../../../src/domain/index.ts";
import { Provider, wanted } from "./provider.ts";
import { createShop, emptyTables, rows } from "./shop.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;
const BEGIN = 1_900_000_000_000;
let now = BEGIN;
const clock = { now: () => now };

beforeEach(async () => {
  now = BEGIN;
  await emptyTables();
});

function deskWith(provider: Provider, from: string | null = null) {
  const stops: string[] = [];
  const keyFor = deriveKeys("for tests only: 0123456789abcdef0123456789abcdef");
  const desk = new MailDesk({
    db: drizzle(env.DB),
    transport: provider,
    clock,
    from,
    unsubscribe: new Unsubscribe(keyFor("unsubscribe"), "https://shop.example.com"),
    stopped: (reason) => {
      stops.push(reason);
      return Promise.resolve();
    },
  });
  return { desk, stops };
}

function stopped() {
  const provider = new Provider();
  provider.gate = () => Promise.reject(new MailStoppedError("The key is wrong."));
  return provider;
}

it("a provider that takes nothing more is told of once a send and once a sweep, and all mails wait", async () => {
  const { desk, stops } = deskWith(stopped());
  const outcomes = await desk.send(
    Array.from({ length: 120 }, (_, n) => wanted(`${n}@example.com`)),
  );
  expect(stops).toEqual(["The key is wrong."]);
  expect(outcomes.every((one) => one.status === "failed" && !one.isPermanent)).toBe(true);
  expect(await rows("SELECT state, count(*) AS count FROM emails GROUP BY 1")).toEqual([
    { state: "pending", count: 120 },
  ]);
  now += MINUTE;
  expect(await desk.sweep(500)).toMatchObject({ end: expect.any(MailStoppedError) });
  expect(stops).toHaveLength(2);
});

it("what waits for a person is due again in a minute, also after many tries, and never given up for it", async () => {
  const provider = stopped();
  const { desk } = deskWith(provider);
  await desk.send([wanted("a@example.com")]);
  for (; now < BEGIN + 5 * DAY; now += DAY / 4) await desk.sweep(10);
  await desk.sweep(10);
  expect(await rows("SELECT state, due_at FROM emails")).toEqual([
    { state: "pending", due_at: now + MINUTE },
  ]);
  provider.gate = () => Promise.resolve();
  now += MINUTE;
  expect(await desk.sweep(10)).toMatchObject({ sent: 1 });
});

it("what waited for a person for days is tried for hours before it is given up", async () => {
  const provider = stopped();
  const { desk } = deskWith(provider);
  await desk.send([wanted("a@example.com")]);
  now += 4 * DAY;
  provider.gate = () => Promise.reject(new MailUnavailableError("429 Slow down."));
  for (const resumedAt = now; now < resumedAt + 3 * 60 * MINUTE; now += MINUTE)
    await desk.sweep(10);
  expect(await rows("SELECT state FROM emails")).toEqual([{ state: "pending" }]);
  for (const end = now + 3 * 60 * MINUTE; now < end; now += MINUTE) await desk.sweep(10);
  expect(await rows("SELECT state, reason FROM emails")).toEqual([
    { state: "failed", reason: "429 Slow down." },
  ]);
});

it("who asks again for what waits for a person is told to do so ever later", async () => {
  const { desk } = deskWith(stopped());
  const told: (number | undefined)[] = [];
  for (let tries = 1; tries <= 8; tries += 1) {
    const [outcome] = await desk.send([wanted("a@example.com")]);
    told.push(outcome?.status === "failed" ? outcome.retryAfterSeconds : undefined);
  }
  expect(told).toEqual([60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
});

it("Message-IDs are of the sender's domain, and the same in every try", async () => {
  const provider = new Provider();
  const { desk } = deskWith(provider, "Shop <shop@Mail.Example.com>");
  await desk.send([wanted("a@example.com")]);
  await emptyTables();
  await deskWith(provider, "shop@mail.example.com").desk.send([wanted("a@example.com")]);
  const [first, second] = provider.seen;
  expect(first?.messageId).toMatch(/^<[0-9a-f]{32}@mail\.example\.com>$/);
  expect(second?.messageId).toBe(first?.messageId);
});

it("a mail that is tried again after the sender changed keeps the Message-ID that it has", async () => {
  const provider = new Provider();
  provider.answer = () => ({ status: "failed", isPermanent: false, reason: "451" });
  await deskWith(provider, "shop@old.example.com").desk.send([wanted("a@example.com")]);
  await deskWith(provider, "shop@new.example.com").desk.send([wanted("a@example.com")]);
  expect(provider.seen.map(({ messageId }) => messageId.split("@")[1])).toEqual([
    "old.example.com>",
    "old.example.com>",
  ]);
});

/** Runs a task's handler in a shop with an address for alerts. */
function handler(name: string, { services, lovage }: ReturnType<typeof createShop>) {
  const definition = shopTasks.find((task) => task.name === name);
  const ctx = { taskId: "task", services, lovage } as unknown as TaskContext<ShopServices>;
  const handle = definition?.handler as (params: unknown, context: typeof ctx) => Promise<unknown>;
  return (kwargs: object) => handle(definition?.params.parse(kwargs), ctx);
}

it("a notification of the admins goes to the operators' address too, once, also when mail doesn't", async () => {
  const alertHook = { post: () => Promise.resolve() };
  const shop = createShop({ transport: stopped(), services: { alertHook } });
  const notify = handler("send_admin_notification", shop);
  for (let tries = 1; tries <= 2; tries += 1) {
    await expect(notify({ subject: "s", message: { failed: 2 } })).rejects.toThrow("could not be");
  }
  const tasks = [...shop.ledger.taken.values()];
  expect(tasks).toMatchObject([{ name: "post_alert", queue: "default" }]);
  expect(JSON.parse(tasks[0]?.kwargs ?? "")).toEqual({ subject: "s", message: '{"failed":2}' });
});

it("an alert is posted with its time; without an address nothing is", async () => {
  const posted: unknown[] = [];
  const alertHook = {
    post: (alert: unknown) => {
      posted.push(alert);
      return Promise.resolve();
    },
  };
  const alert = { subject: "s", message: "m" };
  await handler("post_alert", createShop({ services: { alertHook, clock } }))(alert);
  expect(posted).toEqual([{ ...alert, at: BEGIN }]);
  expect(await handler("post_alert", createShop())(alert)).toEqual({ is_posted: false });
});

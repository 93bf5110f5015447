import { env } from "cloudflare:workers";
import { afterEach, expect, it } from "vitest";
import { NO_CONTROLS, type Controls } from "#engine";
import { Control } from "#platform/control/control.ts";
import { PauseAlerts } from "#platform/control/pause-alerts.ts";
import { QueueStop } from "#platform/control/queue-stop.ts";
import { QUEUES } from "#platform/doorbell.ts";
import { LedgerDirectory } from "#platform/ledger/directory.ts";
import { History } from "#platform/history/history.ts";
import { sendAdminNotification } from "../../src/domain/index.ts";
import { get, post } from "./api.ts";
import { createShop } from "./domain/shop.ts";

let now = 1_900_000_000_000;
const clock = { now: () => now };

function stopOf(over: { control?: Pick<Control, "controls" | "change"> } = {}) {
  const directory = new LedgerDirectory(env.LEDGER, env.LIMITER, new History(env.DB));
  const control = new Control({
    home: () => env.WATCHDOG.getByName("watchdog"),
    shards: 4,
    shard: (shard) => directory.shard(shard),
    queues: QUEUES,
  });
  const logged: string[] = [];
  const stop = new QueueStop({
    control,
    clock,
    log: (event) => void logged.push(event),
    event: "mail_stopped",
    queue: "emails",
    ...over,
  });
  return { control, logged, stop: (reason: string) => stop.stop(reason) };
}

async function emailsQueue() {
  const { queues } = await (
    await get("/api/queues/")
  ).json<{ queues: { name: string; is_cancelled: boolean; paused_reason: string | null }[] }>();
  return queues.find(({ name }) => name === "emails");
}

afterEach(async () => {
  await post("/api/control/add_consumer/", { queue: "emails" });
});

it("a queue that is stopped says why and since when, whoever finds out how often, until it is resumed", async () => {
  const { stop, logged } = stopOf();
  await stop("Resend: 403 invalid_api_key");
  now += 5_000;
  await stop("Another reason");
  await stopOf().stop("A third");
  expect(logged).toEqual(["mail_stopped"]);
  expect(await emailsQueue()).toMatchObject({
    is_cancelled: true,
    paused_reason: "Resend: 403 invalid_api_key",
    paused_since: new Date(1_900_000_000_000).toISOString(),
  });
  await post("/api/control/add_consumer/", { queue: "emails" });
  expect(await emailsQueue()).toMatchObject({
    is_cancelled: false,
    paused_reason: null,
    paused_since: null,
  });
});

it("an operator's pause has no reason, and keeps none of an earlier one", async () => {
  await stopOf().stop("old");
  await post("/api/control/add_consumer/", { queue: "emails" });
  await post("/api/control/cancel_consumer/", { queue: "emails" });
  expect(await emailsQueue()).toMatchObject({ is_cancelled: true, paused_reason: null });
});

it("a queue that an operator paused stays theirs, without a reason and without an alert", async () => {
  await post("/api/control/cancel_consumer/", { queue: "emails" });
  const { stop, logged, control } = stopOf();
  await stop("Resend: 403 invalid_api_key");
  // Also of one who looked before the operator paused it.
  const controls = () => Promise.resolve(NO_CONTROLS);
  const change = control.change.bind(control);
  await stopOf({ control: { controls, change } }).stop("Resend: 403 invalid_api_key");
  expect(await emailsQueue()).toMatchObject({ is_cancelled: true, paused_reason: null });
  expect(logged).toEqual([]);
});

it("an operator who pauses a queue that is stopped takes nothing of its reason", async () => {
  await stopOf().stop("Resend: 403 invalid_api_key");
  await post("/api/control/cancel_consumer/", { queue: "emails" });
  expect(await emailsQueue()).toMatchObject({ paused_reason: "Resend: 403 invalid_api_key" });
});

it("what can't be paused is logged, and troubles nobody", async () => {
  const { stop, logged } = stopOf({
    control: {
      controls: () => Promise.reject(new Error("out of reach")),
      change: () => Promise.reject(new Error("out of reach")),
    },
  });
  await stop("why");
  expect(logged).toEqual(["pause_failed"]);
});

it("one message a pause, however often the watchdog looks, and another for the next pause", async () => {
  const { lovage, ledger } = createShop();
  const alerts = new PauseAlerts({
    lovage,
    message: (subject, message) => sendAdminNotification.s({ subject, message }),
  });
  const { control, stop } = stopOf();
  const look = async () => {
    await alerts.run(await control.controls());
    return [...ledger.taken.values()].map(({ kwargs }) => JSON.parse(kwargs) as unknown);
  };
  expect(await look()).toEqual([]);
  await stop("Resend: 403 invalid_api_key");
  await look();
  expect(await look()).toMatchObject([
    {
      subject: "The queue 'emails' is paused",
      message: expect.stringContaining("Resend: 403 invalid_api_key"),
    },
  ]);
  await control.change({ kind: "add_consumer", queue: "emails" });
  now += 1;
  await stop("Resend: 403 invalid_api_key");
  expect(await look()).toHaveLength(2);
});

it("controls that were stored before there were reasons are read", async () => {
  const { pauses: _none, ...older }: Controls = { ...NO_CONTROLS, pausedQueues: ["emails"] };
  const { lovage, ledger } = createShop();
  const message = (subject: string) => sendAdminNotification.s({ subject, message: "" });
  await new PauseAlerts({ lovage, message }).run(older);
  expect(ledger.taken.size).toBe(0);
});

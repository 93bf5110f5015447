import { globSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, it } from "vitest";
import { LocalServer } from "../../scripts/local-server.ts";
import { FakeResend, RESEND_KEY } from "../resend.ts";
import { ResendServer } from "../resend-server.ts";

const ORDERS = 40;
const PORT = 9_100;
const CALM_MS = 120_000;
/** A mail that somebody died with is in nobody's hands after this. */
const IN_HAND_MS = 120_000;

interface Alert {
  readonly type: string;
  readonly data: { readonly subject: string; readonly message: string };
}

const state = mkdtempSync(join(tmpdir(), "lovage-mail-"));
const resend = new FakeResend();
const alerts: Alert[] = [];
const alertServer = createServer((request, response) => {
  let text = "";
  request.on("data", (chunk) => (text += String(chunk)));
  request.on("end", () => {
    alerts.push(JSON.parse(text) as Alert);
    response.end();
  });
});
let resendServer: ResendServer;
let server: LocalServer;
let start: () => Promise<LocalServer>;

beforeAll(async () => {
  resendServer = await ResendServer.start(resend);
  await new Promise<void>((resolve) => {
    alertServer.listen(0, "127.0.0.1", resolve);
  });
  const { port } = alertServer.address() as AddressInfo;
  const vars = {
    MAIL_TRANSPORT: "http",
    MAIL_FROM: "Shop <shop@shop.example.com>",
    RESEND_API_KEY: RESEND_KEY,
    RESEND_URL: resendServer.url,
    ALERT_URL: `http://127.0.0.1:${port}/hook`,
    ADMIN_EMAILS: "ada@example.com",
  };
  start = () => LocalServer.start({ port: PORT, config: "wrangler.toml", state, vars });
  server = await start();
});

afterAll(async () => {
  await server.kill();
  await resendServer.stop();
  alertServer.close();
  rmSync(state, { recursive: true, force: true });
});

async function post(path: string, body: object): Promise<void> {
  const answer = await fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  expect(answer.ok, await answer.text()).toBe(true);
}

/** What operators do after an outage; what a run finds in somebody's hands another one sends. */
async function sendPending(): Promise<void> {
  await post("/api/tasks/", { name: "send_pending_emails", kwargs: { now: true } });
}

/** The cron trigger comes, with which the watchdog looks around. */
async function lookAround(): Promise<void> {
  const answer = await fetch(`${server.url}/cdn-cgi/handler/scheduled`);
  expect(answer.ok, await answer.text()).toBe(true);
}

/** For mails two minutes pass while the server is down. */
function letTimePass(): void {
  const [file = ""] = globSync(join(state, "v3/d1/miniflare-D1DatabaseObject/*.sqlite")).filter(
    (path) => !path.endsWith("metadata.sqlite"),
  );
  const db = new DatabaseSync(file);
  const age = db.prepare("UPDATE emails SET due_at = due_at - ? WHERE state = 'sending'");
  expect(age.run(IN_HAND_MS).changes).toBeGreaterThan(0);
  db.close();
}

async function createOrders(prefix: string): Promise<void> {
  await Promise.all(
    Array.from({ length: ORDERS }, (_, n) =>
      post("/api/create-order/", {
        orderId: `${prefix}-${n}`,
        userId: 1,
        totalAmount: 20,
        customerEmail: `${prefix}${n}@example.com`,
      }),
    ),
  );
}

const sentTo = (prefix: string) =>
  resend.taken.map(({ to }) => to[0] ?? "").filter((to) => to.startsWith(prefix));

async function emailsQueue() {
  const { queues } = await (
    await fetch(`${server.url}/api/queues/`)
  ).json<{ queues: { name: string; is_cancelled: boolean; paused_reason: string | null }[] }>();
  return queues.find(({ name }) => name === "emails");
}

it("a wrong key pauses the queue and is told once; resumed with the right one, all mails go out", async () => {
  resend.apiKey = "re_another_0123456789";
  await createOrders("stopped");
  await expect.poll(emailsQueue, { timeout: 60_000, interval: 500 }).toMatchObject({
    is_cancelled: true,
    paused_reason: expect.stringContaining("invalid_api_key"),
  });
  await lookAround();
  await expect.poll(() => alerts.length, { timeout: 60_000, interval: 500 }).toBe(1);
  expect(alerts[0]).toMatchObject({
    type: "alert",
    data: { subject: "The queue 'emails' is paused" },
  });
  expect(JSON.stringify(alerts)).not.toContain(RESEND_KEY);
  expect(resend.taken).toEqual([]);
  resend.apiKey = RESEND_KEY;
  await post("/api/control/add_consumer/", { queue: "emails" });
  const sent = async () => {
    await sendPending();
    return [new Set(sentTo("stopped")).size, sentTo("ada@")];
  };
  await expect
    .poll(sent, { timeout: CALM_MS, interval: 2_000 })
    .toEqual([ORDERS, ["ada@example.com"]]);
  expect(sentTo("stopped")).toHaveLength(ORDERS);
  expect(alerts).toHaveLength(1);
}, 300_000);

it("a server that is killed when the provider has the mails, and a provider with troubles: each mail once", async () => {
  const killed = Promise.withResolvers<void>();
  let asked = 0;
  resend.fault = () => {
    asked += 1;
    if (asked === 2) {
      void server.kill().then(killed.resolve);
      return "hang_after";
    }
    return asked === 4 ? "drop_after" : null;
  };
  const creating = createOrders("killed").catch(() => undefined);
  await killed.promise;
  await creating;
  letTimePass();
  server = await start();
  await createOrders("killed");
  const sent = async () => {
    await sendPending();
    return new Set(sentTo("killed")).size;
  };
  await expect.poll(sent, { timeout: CALM_MS, interval: 2_000 }).toBe(ORDERS);
  const open = async () => {
    const pages = await Promise.all(
      ["pending", "sending"].map(async (wanted) => {
        const answer = await fetch(`${server.url}/api/emails/?state=${wanted}`);
        return (await answer.json<{ emails: unknown[] }>()).emails;
      }),
    );
    return pages.flat().length;
  };
  await expect.poll(open, { timeout: CALM_MS, interval: 1_000 }).toBe(0);
  expect(sentTo("killed")).toHaveLength(ORDERS);
  const { emails } = await (
    await fetch(`${server.url}/api/emails/?limit=200&state=sent`)
  ).json<{ emails: { to: string; provider_id: string; attempts: number }[] }>();
  const ids = new Map(resend.taken.map(({ id, to }) => [to[0], id]));
  expect(emails).toHaveLength(2 * ORDERS + 1);
  expect(emails.filter(({ to, provider_id: id }) => ids.get(to) !== id)).toEqual([]);
}, 300_000);

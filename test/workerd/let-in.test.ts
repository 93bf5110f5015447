import { env } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { keyFor, request } from "./credentials.ts";
import { account, post, signIn } from "./visitors.ts";

/** What goes on is asked so often. */
const MINUTE_MS = 60_000;

beforeAll(async () => {
  await account("olga", "operator");
}, 60_000);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});

afterEach(() => {
  vi.useRealTimers();
});

const FROM_HERE = { Origin: "http://lovage", "Sec-Fetch-Site": "same-origin" };

/** Whether a stream has ended; reads what it says meanwhile. */
async function isOver(answer: Response): Promise<boolean> {
  const reader = answer.body?.getReader();
  for (;;) {
    const read = reader?.read();
    const pause = new Promise<null>((resolve) => {
      setTimeout(() => {
        resolve(null);
      }, 300);
    });
    const next = await Promise.race([read, pause]);
    if (next === null || next === undefined) {
      await reader?.cancel();
      return false;
    }
    if (next.done) return true;
  }
}

async function live(token: string): Promise<string> {
  const body = JSON.stringify({ name: "process_data", kwargs: { data: "x" }, countdown: 900 });
  const headers = { "Content-Type": "application/json" };
  const answer = await request("/api/tasks/", token, { method: "POST", headers, body });
  return (await answer.json<{ task_id: string }>()).task_id;
}

it.each<[string, (cookie: string) => Promise<unknown>]>([
  ["who signed out", (cookie) => post("/dashboard/sign-out", {}, { Cookie: cookie })],
  [
    "who was demoted",
    () => env.DB.prepare("UPDATE users SET role = 'user' WHERE username = 'olga'").run(),
  ],
])("%s gets no more events within a minute", async (_what, lose) => {
  await env.DB.prepare("UPDATE users SET role = 'operator' WHERE username = 'olga'").run();
  const cookie = await signIn("olga");
  const answer = await request("/api/events/", null, { headers: { Cookie: cookie, ...FROM_HERE } });
  expect(answer.status).toBe(200);
  await lose(cookie);
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  expect(await isOver(answer)).toBe(true);
});

it("a key that is revoked ends what it follows: events, a task, a WebSocket", async () => {
  const key = await keyFor("shop", ["tasks:read", "tasks:write"]);
  const id = await live(key);
  const events = await request("/api/events/", key);
  const task = await request(`/api/tasks/${id}/events/`, key);
  const { webSocket: socket } = await request("/api/task/events/task-sent/", key, {
    headers: { Upgrade: "websocket" },
  });
  if (socket === null) throw new Error("no socket");
  const closed = new Promise<number>((resolve) => {
    socket.addEventListener("close", ({ code }) => {
      resolve(code);
    });
  });
  socket.accept();
  await env.DB.prepare("UPDATE api_keys SET revoked_at = 1 WHERE owner = 'shop'").run();
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  expect(await isOver(events)).toBe(true);
  expect(await isOver(task)).toBe(true);
  expect(await closed).toBe(1008);
});

it("who may go on does, and what a page follows keeps no session alive", async () => {
  await env.DB.prepare("UPDATE users SET role = 'operator' WHERE username = 'olga'").run();
  const cookie = await signIn("olga");
  const seen = () => env.DB.prepare("SELECT max(seen_at) AS at FROM sessions").first<number>("at");
  const answer = await request("/api/events/", null, { headers: { Cookie: cookie, ...FROM_HERE } });
  await env.DB.prepare("UPDATE sessions SET seen_at = seen_at - 600000").run();
  const before = await seen();
  await vi.advanceTimersByTimeAsync(5 * MINUTE_MS);
  expect(await isOver(answer)).toBe(false);
  expect(await seen()).toBe(before);
});

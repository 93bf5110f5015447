import { env } from "cloudflare:workers";
import { beforeAll, expect, it, vi } from "vitest";
import { ended } from "./api.ts";
import { keyFor, request } from "./credentials.ts";

let shop = "";
let failed = "";

const JSON_BODY = { "Content-Type": "application/json" };

beforeAll(async () => {
  shop = await keyFor("shop", ["tasks:read", "tasks:write", "orders:manage"]);
  const call = { name: "process_payment", kwargs: { order_id: "none" } };
  const answer = await request("/api/tasks/", shop, {
    method: "POST",
    headers: JSON_BODY,
    body: JSON.stringify(call),
  });
  failed = (await answer.json<{ task_id: string }>()).task_id;
  await ended(failed);
  const isKept = async () =>
    (await env.DB.prepare("SELECT 1 FROM tasks WHERE id = ?").bind(failed).first()) !== null;
  await vi.waitUntil(isKept, { timeout: 20_000, interval: 20 });
});

const many = (count: number, word: (index: number) => string, between: string) =>
  Array.from({ length: count }, (_, index) => word(index)).join(between);

it.each([
  ["as many terms as there may be", many(128, (index) => `term${index}`, " ")],
  ["as many of one field", many(128, (index) => `name:a${index}bc`, " ")],
  ["as many alternatives", many(64, (index) => `name:a${index}bc`, " OR ")],
  ["as many pairs", many(128, (index) => `kwargs:a=${index}`, " ")],
  ["as many states", many(128, () => "state:FAILURE", " ")],
  ["as many groups", many(42, (index) => `(term${index})`, " ")],
  ["the deepest groups", many(7, (index) => `(((((deep${index}x or${index}x)))))`, " ")],
  ["workers", many(128, () => "worker:nobody", " ")],
  ["what LIKE and GLOB would take for more", "%%% ___ *** ???"],
  ["quotes of all kinds", `"it's; DROP TABLE" ''''`],
  ["half of a letter", "abc\\u0000def"],
])("a search for %s is answered", async (_what, search) => {
  const answer = await request(`/api/tasks?search=${encodeURIComponent(search)}`, shop);
  expect([answer.status, await answer.text()]).toEqual([200, expect.any(String)]);
});

it("what is secret is found by no cursor either, where it is kept plain", async () => {
  const monitor = await keyFor("watcher", ["monitor"]);
  const kept = await env.DB.prepare("SELECT kwargs FROM tasks WHERE id = ?")
    .bind(failed)
    .first<string>("kwargs");
  const keep = (kwargs: string | null) =>
    env.DB.prepare("UPDATE tasks SET kwargs = ? WHERE id = ?").bind(kwargs, failed).run();
  await keep('{"url":{"$secret":"plain.https://example.com/hunter2"}}');
  const find = async (search: string) => {
    const texts = [`/api/tasks/search/?limit=1&text=${search}`, `/api/tasks?search=${search}`];
    return Promise.all(texts.map(async (path) => (await request(path, monitor)).json()));
  };
  expect(await find("hunter2")).toEqual(await find("not-in-it"));
  expect(await find("kwargs:hunter2=x")).toEqual(await find("kwargs:not-in-it=x"));
  await keep(kept);
});

it("what is only in a stack, or in how it went, is found by no cursor either", async () => {
  const find = async (text: string) => {
    const query = new URLSearchParams({ text, limit: "1", name: "process_payment" });
    const answer = await request(`/api/tasks/search/?${query.toString()}`, shop);
    return answer.json<{ tasks: { task_id: string }[]; next_cursor: string | null }>();
  };
  const stack = await env.DB.prepare(
    "SELECT detail ->> '$[8].traceback' AS stack FROM tasks WHERE id = ?",
  )
    .bind(failed)
    .first<string>("stack");
  const absent = await find("in nothing at all");
  const [, line = ""] = /\n\s+(at \w+)/.exec(stack ?? "") ?? [];
  expect(line).not.toBe("");
  for (const hidden of [line, "traceback", "outcome"]) {
    expect(await find(hidden)).toEqual(absent);
  }
  const { tasks } = await find("there is no order");
  expect(tasks.map(({ task_id: id }) => id)).toEqual([failed]);
});

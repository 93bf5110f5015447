import { env, exports } from "cloudflare:workers";
import { beforeAll, expect, it, vi } from "vitest";
import { ended, get, post } from "./api.ts";
import { keyFor, request } from "./credentials.ts";

const HOSTILE = `</pre><script>alert(1)</script><img src=x onerror="alert(2)"> ‮שלום 🎉`;
let hostile = "";
let failed = "";

async function submit(call: Record<string, unknown>): Promise<string> {
  const answer = await post("/api/tasks/", call);
  return (await answer.json<{ task_id: string }>()).task_id;
}

async function pageOf(path: string): Promise<string> {
  const answer = await get(path);
  expect(answer.status).toBe(200);
  return answer.text();
}

function send(path: string, fields: Record<string, string>): Promise<Response> {
  return exports.default.fetch(`http://lovage${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(fields).toString(),
    redirect: "manual",
  });
}

beforeAll(async () => {
  const kwargs = { data: HOSTILE + "y".repeat(50_000) };
  hostile = await submit({ name: "process_data", kwargs, labels: { campaign: "<b>bold</b>" } });
  failed = await submit({ name: "process_payment", kwargs: { order_id: "<script>none</script>" } });
  await ended(hostile);
  await ended(failed);
  // Dead letters are dealt with where they are kept.
  const isKept = async () =>
    (await env.DB.prepare("SELECT 1 FROM tasks WHERE id = ?").bind(failed).first()) !== null;
  await vi.waitUntil(isKept, { timeout: 20_000, interval: 20 });
});

it.each([
  ["the list", () => "/dashboard/tasks"],
  ["a filter", () => `/dashboard/tasks?text=${encodeURIComponent("<script>none")}`],
  ["a task", () => `/dashboard/tasks/${hostile}`],
  ["an error", () => `/dashboard/tasks/${failed}`],
  ["the overview", () => "/dashboard"],
])("what people put into tasks is text on %s, never a part of the page", async (_where, path) => {
  const page = await pageOf(path());
  expect(page).not.toContain("<script>alert");
  expect(page).not.toContain("<script>none");
  expect(page).not.toContain("<img src=x");
  expect(page).not.toContain("<b>bold");
});

it("a long argument is clipped on its page, and whole where it leads to", async () => {
  const page = await pageOf(`/dashboard/tasks/${hostile}`);
  expect(page.length).toBeLessThan(150_000);
  expect(page).toContain("characters</a>");
  expect(await pageOf(`/api/tasks/${hostile}/`)).toContain("y".repeat(50_000));
});

it("a filter that makes no sense is refused, an empty one is none", async () => {
  expect((await get("/dashboard/tasks?state=&name=&queue=")).status).toBe(200);
  for (const query of [
    "state=NONE",
    "name=a b",
    "from=yesterday",
    "cursor=x",
    "sort=owner",
    "more=1",
  ]) {
    expect((await get(`/dashboard/tasks?${query}`)).status).toBe(422);
  }
});

it("an unknown task, and a canvas that is none, are not there", async () => {
  expect((await get("/dashboard/tasks/01a1ff19-437d-8001-8cc7-97fabbdddfb2")).status).toBe(404);
  expect((await get(`/dashboard/canvas/${hostile}`)).status).toBe(404);
});

it("a task is replayed once, however often it is asked for; a success can be replayed too", async () => {
  const path = `/dashboard/tasks/${hostile}/replay`;
  const [one, other] = [await send(path, {}), await send(path, {})];
  expect(one.status).toBe(303);
  expect(one.headers.get("Location")).toBe(other.headers.get("Location"));
  const changed = await send(path, { kwargs: '{"data":"other"}' });
  expect(changed.status).toBe(409);
});

it("a task that has not ended is not replayed, and one that has is not rescheduled", async () => {
  const call = { name: "process_data", kwargs: { data: "x" }, countdown: 3_600 };
  const waiting = await submit(call);
  expect((await send(`/dashboard/tasks/${waiting}/replay`, {})).status).toBe(409);
  const change = { eta: "", queue: "", priority: "3" };
  expect((await send(`/dashboard/tasks/${hostile}/reschedule`, change)).status).toBe(409);
  expect(
    (await send(`/dashboard/tasks/${waiting}/reschedule`, { ...change, priority: "" })).status,
  ).toBe(422);
  expect((await send(`/dashboard/tasks/${waiting}/reschedule`, change)).status).toBe(303);
});

it.each(["not json", "[]", '{"__proto__": {}}', '{"order_id": 1}'])(
  "arguments %s are refused, and nothing is run",
  async (kwargs) => {
    expect((await send(`/dashboard/tasks/${failed}/replay`, { kwargs })).status).toBe(422);
  },
);

it("programs get no page at the root, people are led to the dashboard", async () => {
  expect((await get("/")).status).toBe(404);
  const answer = await exports.default.fetch("http://lovage/", {
    headers: { Accept: "text/html" },
    redirect: "manual",
  });
  expect([answer.status, answer.headers.get("Location")]).toEqual([302, "/dashboard"]);
});

it("who only monitors sees every task without buttons and stacks, and changes none", async () => {
  const token = await keyFor("viewer", ["monitor"]);
  const page = await (await request(`/dashboard/tasks/${failed}`, token)).text();
  expect(page).toContain("OrderNotFoundError");
  expect(page).not.toContain("Traceback");
  expect(page).not.toContain('action="/dashboard/tasks');
  expect(await (await request("/dashboard/tasks", token)).text()).not.toContain('type="checkbox"');
  for (const what of ["revoke", "replay", "reschedule", "event"]) {
    const answer = await request(`/dashboard/tasks/${failed}/${what}`, token, { method: "POST" });
    expect(answer.status).toBe(403);
  }
  const bulk = await request("/dashboard/tasks/bulk", token, { method: "POST" });
  expect(bulk.status).toBe(403);
});

it("who may not even monitor sees no page, and an operator runs nothing that is for admins", async () => {
  const reader = await keyFor("reader", ["tasks:read", "tasks:write"]);
  for (const path of ["/dashboard", "/dashboard/tasks", `/dashboard/tasks/${failed}`]) {
    expect((await request(path, reader)).status).toBe(403);
  }
  const backup = await submit({ name: "backup_database", kwargs: {} });
  await ended(backup);
  const operator = await keyFor("operator", ["control", "tasks:write"]);
  const answer = await request(`/dashboard/tasks/${backup}/replay`, operator, {
    method: "POST",
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
    body: "kwargs=%7B%7D",
  });
  expect(answer.status).toBe(403);
});

it.each([
  ["/dashboard/queues/rate_limit", "/dashboard/queues"],
  ["/dashboard/schedules/a%2Fb%E2%82%AC/backfill/", "/dashboard/schedules/a%2Fb%E2%82%AC"],
  ["/dashboard/sign-out", "/dashboard"],
])("who comes to %s, where a form was sent, is led to its page", async (path, page) => {
  const answer = await exports.default.fetch(`http://lovage${path}`, {
    headers: { Accept: "text/html" },
    redirect: "manual",
  });
  expect([answer.status, answer.headers.get("Location")]).toEqual([303, page]);
  expect((await get(path)).status).toBe(405);
});

it("a page that there is not does not talk of forms", async () => {
  const headers = { Accept: "text/html" };
  const answer = await exports.default.fetch("http://lovage/dashboard/none", { headers });
  expect(await answer.text()).not.toContain("Nothing was changed");
});

it.each([
  ["/dashboard/tasks/bulk", { what: "revoke", next: "/dashboard/tasks?state=STARTED" }],
  ["/dashboard/dead-letters/bulk", { do: "replay", next: "/dashboard/dead-letters/list" }],
])("%s with nothing chosen says so where the boxes are", async (path, fields) => {
  const answer = await send(path, fields);
  expect([answer.status, answer.headers.get("Location")]).toEqual([303, fields.next]);
  expect(decodeURIComponent(answer.headers.get("Set-Cookie") ?? "")).toMatch(/=-No.* was chosen/);
});

it("the overview says what it knows while the history can't be read", async () => {
  await env.DB.prepare("ALTER TABLE tasks RENAME TO tasks_away").run();
  try {
    const page = await pageOf("/dashboard");
    expect(page).toContain("Throughput");
    expect(page).toContain("What failed can’t be reached just now.");
  } finally {
    await env.DB.prepare("ALTER TABLE tasks_away RENAME TO tasks").run();
  }
});

it.each(["newest", "oldest"])(
  "a task among thousands is found once, the %s first, each page where the last ended",
  async (order) => {
    await env.DB.prepare(
      `INSERT OR IGNORE INTO tasks (id, name, state, queue, owner, finished_at, is_dead_lettered, kwargs, detail)
       WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 11999)
       SELECT printf('0000%04x-0000-8000-9000-%012x', i, i), iif(i % 5999 = 0, 'rare', 'common'), 'SUCCESS',
         'default', 'anonymous', 0, 0, '{}', detail FROM n, (SELECT detail FROM tasks WHERE id = ?)`,
    )
      .bind(failed)
      .run();
    const found: string[] = [];
    let [cursor, pages] = ["", 0];
    do {
      const query = new URLSearchParams({ name: "rare", order, ...(cursor && { cursor }) });
      const answer = await get(`/api/tasks/search/?${query.toString()}`);
      const page = await answer.json<{
        tasks: { task_id: string }[];
        next_cursor: string | null;
      }>();
      found.push(...page.tasks.map(({ task_id: id }) => id.slice(4, 8)));
      cursor = page.next_cursor ?? "";
      pages += 1;
    } while (cursor !== "" && pages < 20);
    const newest = ["2ede", "176f", "0000"];
    expect(found).toEqual(order === "newest" ? newest : newest.toReversed());
    expect(pages).toBeGreaterThan(2);
  },
);

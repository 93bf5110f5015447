import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, expect, it, vi } from "vitest";
import type { LogEntry } from "../../src/domain/reports/log-entry.ts";
import { ask, ended, get, post } from "./api.ts";
import { contextAt, make } from "./domain/report-rig.ts";
import { rows } from "./domain/shop.ts";

const today = new Date().toISOString().slice(0, 10);
const SECRET = "s".repeat(43);
const KEY = { Authorization: `Bearer lv_reporter0000_${SECRET}` };

beforeAll(async () => {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(SECRET));
  const hash = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0"));
  await env.DB.batch([
    env.DB.prepare(
      "INSERT INTO api_keys VALUES ('reporter0000', 'test', 'reporter', ?, ?, 0, NULL, NULL)",
    ).bind(hash.join(""), JSON.stringify(["tasks:read", "tasks:write"])),
    env.DB.prepare(
      "INSERT INTO users (username, email, first_name, last_name, password_hash, role, locale, created_at) VALUES ('boss', 'boss@example.com', '', '', '', 'admin', NULL, 0)",
    ),
  ]);
});

beforeEach(async () => {
  await env.DB.exec("DELETE FROM api_log");
});

function send(method: string, path: string, headers: Record<string, string> = {}, body?: string) {
  return ask(`http://lovage${path}`, {
    method,
    headers: { "Content-Type": "application/json", ...headers },
    ...(body !== undefined && { body }),
  });
}

/** What is logged, when it is so many requests. */
async function logged(count: number): Promise<LogEntry[]> {
  return vi.waitUntil(
    async () => {
      const found = await rows<{ entries: string }>("SELECT entries FROM api_log");
      const entries = found.flatMap((row) => JSON.parse(row.entries) as LogEntry[]);
      return entries.length >= count && entries;
    },
    { timeout: 20_000 },
  );
}

it("every request is logged once, whatever its answer: by its route, with who and where from", async () => {
  const from = (address: string) => ({ "CF-Connecting-IP": address });
  const answers = [
    await send("POST", "/api/tasks/process/", { ...KEY, ...from("192.0.2.1") }, '{"data": "x"}'),
    await send("GET", "/api/tasks/nothing/", { ...KEY, ...from("192.0.2.2") }),
    await send("GET", "/api/tasks/nothing", from("192.0.2.2")),
    await send("HEAD", "/api/tasks/nothing/result/"),
    await send("GET", "/api/orders/nobodys/", KEY),
    await send("GET", "/api/queues/", { Authorization: "Bearer wrong" }),
    await send("POST", "/api/tasks/process/", {}, "{"),
    await send("DELETE", "/api/tasks/process/"),
    await send("GET", "/api/nowhere/"),
    await send("GET", "/healthz"),
  ];
  expect(answers.map(({ status }) => status)).toEqual([
    ...[202, 404, 404, 404, 403, 401, 400, 405, 404, 200],
  ]);
  const entries = await logged(9);
  const shown = entries.map(([, method, route, status, , user, ip]) =>
    [method, route, status, user, ip === null ? "no address" : "address"].join(" "),
  );
  expect(shown.sort()).toEqual(
    [
      "POST /api/tasks/process/ 202 reporter address",
      "GET /api/tasks/:id/ 404 reporter address",
      "GET /api/tasks/:id/ 404  address",
      "HEAD /api/tasks/:id/result/ 404  no address",
      "GET /api/orders/:id/ 403 reporter no address",
      "GET /api/queues/ 401  no address",
      "POST /api/tasks/process/ 400  no address",
      "DELETE /api/tasks/process/ 405  no address",
      "GET (unmatched) 404  no address",
    ].sort(),
  );
  const report = await make("daily", contextAt(Date.now()), today);
  expect(report).toMatchObject({
    total_requests: 9,
    successful_requests: 1,
    failed_requests: 8,
    success_rate: "11.1%",
    unique_users: 1,
    unique_ips: 2,
    top_endpoints: {
      "/api/tasks/process/": 3,
      "/api/tasks/:id/": 2,
      "(unmatched)": 1,
      "/api/orders/:id/": 1,
      "/api/queues/": 1,
      "/api/tasks/:id/result/": 1,
    },
  });
});

it("a request that fails on our side is logged as what it answered", async () => {
  await env.DB.exec("ALTER TABLE reports RENAME TO reports_away");
  try {
    expect((await get("/api/reports/")).status).toBe(500);
  } finally {
    await env.DB.exec("ALTER TABLE reports_away RENAME TO reports");
  }
  const [entry] = await logged(1);
  expect(entry?.slice(1, 4)).toEqual(["GET", "/api/reports/", 500]);
});

it("a hundred requests at once are a hundred entries", async () => {
  await Promise.all(Array.from({ length: 100 }, () => get("/api/nowhere/")));
  expect(await logged(100)).toHaveLength(100);
});

it("a report is made on demand, listed, and downloaded as JSON and CSV", async () => {
  const answer = await post("/api/reports/", { kind: "daily", date: today });
  expect(answer.status).toBe(202);
  const { task_id: taskId } = await answer.json<{ task_id: string }>();
  const { state, result } = await ended(taskId);
  expect(state).toBe("SUCCESS");
  expect(result).toMatchObject({ date: today, orders: { count: 0 }, revenue: {} });

  const list = await (await get("/api/reports/?kind=daily&limit=1")).json();
  const view = {
    kind: "daily",
    period: today,
    complete: false,
    created_at: expect.stringMatching(/^\d{4}-.*Z$/) as unknown,
    task_id: taskId,
  };
  expect(list).toEqual({ reports: [view], next_cursor: null });

  const json = await get(`/api/reports/daily/${today}/`);
  expect(await json.json()).toEqual({ ...view, report: result });
  expect(json.headers.get("Content-Disposition")).toBe(
    `attachment; filename="daily-${today}.json"`,
  );
  for (const csv of [
    await get(`/api/reports/daily/${today}/?format=csv`),
    await send("GET", `/api/reports/daily/${today}/`, { Accept: "text/csv" }),
  ]) {
    expect(csv.headers.get("Content-Type")).toBe("text/csv; charset=utf-8");
    expect(csv.headers.get("Content-Disposition")).toBe(
      `attachment; filename="daily-${today}.csv"`,
    );
    expect((await csv.text()).split("\r\n").slice(0, 2)).toEqual(["field,value", `date,${today}`]);
  }
});

it("without a date it is the last day, or week, that has ended", async () => {
  for (const [kind, field] of [
    ["daily", "date"],
    ["weekly", "last_day"],
  ] as const) {
    const { task_id: id } = await (
      await post("/api/reports/", { kind })
    ).json<{ task_id: string }>();
    const { result } = await ended(id);
    const { [field]: day = "none" } = result as Record<string, string>;
    expect(day < today, day).toBe(true);
  }
  const { reports } = await (await get("/api/reports/?kind=weekly")).json<{ reports: unknown[] }>();
  expect(reports).toMatchObject([{ kind: "weekly", complete: true }]);
});

it("the page of a list goes on where the one before ended", async () => {
  const insert = env.DB.prepare("INSERT INTO reports VALUES ('daily', ?, '{}', 1, 0, 't')");
  await env.DB.batch(["2020-01-01", "2020-01-02", "2020-01-03"].map((day) => insert.bind(day)));
  interface Page {
    readonly reports: { readonly period: string }[];
    readonly next_cursor: string | null;
  }
  const page = async (cursor: string) =>
    (await get(`/api/reports/?limit=2&cursor=${cursor}`)).json<Page>();
  const first = await page("2020-01-04");
  expect(first.reports.map(({ period }) => period)).toEqual(["2020-01-03", "2020-01-02"]);
  const second = await page(first.next_cursor ?? "");
  expect(second.reports.map(({ period }) => period)).toEqual(["2020-01-01"]);
  expect(second.next_cursor).toBeNull();
});

it.each([{}, { subject: "The day" }])(
  "a chain sends the report to the admins, with %j",
  async (kwargs) => {
    const answer = await post("/api/canvas/", {
      chain: [
        { name: "generate_daily_report", kwargs: { date: today } },
        { name: "send_admin_notification", kwargs },
      ],
    });
    const { canvas_id: id } = await answer.json<{ canvas_id: string }>();
    expect((await ended(id)).result).toEqual({ sent_count: 1, failed_count: 0, failed_emails: [] });
    const [mail] = await rows<{ subject: string; text_body: string; html_body: string }>(
      "SELECT subject, text_body, html_body FROM emails ORDER BY created_at DESC LIMIT 1",
    );
    expect(mail?.subject).toBe(kwargs.subject ?? "Notification");
    expect(mail?.text_body).toMatch(/^date: \d.*\ntotal requests: \d+\n/);
    expect(mail?.text_body).toMatch(/\n\ntop endpoints\n\n\/api\/.*: \d+/);
    expect(mail?.html_body).toMatch(/>success rate<\/th>/);
  },
);

it("an admin's message that is too long is refused", async () => {
  const kwargs = { subject: "x", message: "x".repeat(20_001) };
  const answer = await post("/api/tasks/", { name: "send_admin_notification", kwargs });
  expect(answer.status).toBe(422);
  const { errors } = await answer.json<{ errors: unknown[] }>();
  expect(errors).toEqual([
    { field: "kwargs.message", message: "Must have at most 20000 characters." },
  ]);
});

it("reports are made by themselves: daily at midnight, weekly on Monday", async () => {
  const { schedules } = await (
    await get("/api/schedules/?limit=200")
  ).json<{ schedules: { name: string; in_words: string }[] }>();
  const words = new Map(schedules.map(({ name, in_words }) => [name, in_words]));
  expect(words.get("generate_daily_report")).toBe("At 00:00, UTC");
  expect(words.get("process_api_analytics")).toBe("At 01:30, only on Monday, UTC");
  expect(words.get("cleanup_old_logs")).toBe("At 03:30, UTC");
});

it("old logs are deleted by a task", async () => {
  await env.DB.exec("INSERT INTO api_log VALUES (1, 'x', '[]')");
  const answer = await post("/api/tasks/", { name: "cleanup_old_logs" });
  const { task_id: id } = await answer.json<{ task_id: string }>();
  expect((await ended(id)).result).toMatchObject({ deleted_rows: 1, finished: true });
});

const tomorrow = new Date(Date.now() + 2 * 86_400_000).toISOString().slice(0, 10);

it.each<[what: string, body: unknown, field: string]>([
  ["no kind", {}, "kind"],
  ["an unknown kind", { kind: "hourly" }, "kind"],
  ["a date that is none", { kind: "daily", date: "2025-02-30" }, "date"],
  ["a time", { kind: "daily", date: "2025-02-01T00:00:00Z" }, "date"],
  ["a week", { kind: "weekly", date: "2025-W01" }, "date"],
  ["a day that has not begun", { kind: "daily", date: tomorrow }, "date"],
  ["a day that nothing is known of", { kind: "daily", date: "2020-01-01" }, "date"],
  ["a number", { kind: "daily", date: 20_250_101 }, "date"],
  ["a field that is not there", { kind: "daily", day: today }, "day"],
])("a report of %s is 422 and names the field", async (_what, body, field) => {
  const answer = await post("/api/reports/", body);
  expect(answer.status).toBe(422);
  const { errors } = await answer.json<{ errors: { field: string }[] }>();
  expect(errors.map((error) => error.field)).toContain(field);
});

it.each([
  ["/api/reports/?kind=hourly", 422],
  ["/api/reports/?limit=0", 422],
  ["/api/reports/?limit=201", 422],
  ["/api/reports/?cursor=x", 422],
  ["/api/reports/?page=2", 422],
  [`/api/reports/daily/${today}/?format=pdf`, 422],
  [`/api/reports/daily/${today}/?format=csv&format=json`, 422],
  ["/api/reports/daily/2019-01-01/", 404],
  ["/api/reports/hourly/2019-01-01/", 404],
  ["/api/reports/constructor/2019-01-01/", 404],
  ["/api/reports/daily/%00/", 404],
  ["/api/reports/daily/'%20OR%201=1/", 404],
])("%s is %i", async (path, status) => {
  const answer = await get(path);
  expect(answer.status).toBe(status);
  expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
});

it.each([
  ["GET", "/api/reports/", undefined],
  ["POST", "/api/reports/", '{"kind": "daily"}'],
  ["GET", "/api/reports/daily/2019-01-01/", undefined],
])("%s %s is for admins", async (method, path, body) => {
  expect((await send(method, path, KEY, body)).status).toBe(403);
});

it("a backfilled run of the schedule makes the report of its slot's day, not of yesterday", async () => {
  const day = (back: number) => new Date(Date.now() - back * 86_400_000).toISOString().slice(0, 10);
  const answer = await post("/api/schedules/generate_daily_report/backfill/", {
    from: `${day(5)}T00:00:00Z`,
    until: `${day(3)}T12:00:00Z`,
  });
  const { runs } = await answer.json<{ runs: { slot: string; task_id: string }[] }>();
  expect(runs).toHaveLength(3);
  for (const { slot, task_id: id } of runs) {
    expect(await ended(id)).toMatchObject({ state: "SUCCESS", options: { slot } });
  }
  const list = await get("/api/reports/?kind=daily&limit=200");
  const { reports } = await list.json<{ reports: { period: string }[] }>();
  expect(reports.map(({ period }) => period)).toEqual(
    expect.arrayContaining([day(6), day(5), day(4)]),
  );
});

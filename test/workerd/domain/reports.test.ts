import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { beforeEach, expect, it } from "vitest";
import { findReport, listReports } from "#domain/reports";
import { Faults, faultyDatabase } from "./faults.ts";
import { cleanup, contextAt, make, request, store } from "./report-rig.ts";
import { Remembered } from "./remembered.ts";
import { createShop, emptyTables, rows } from "./shop.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MIDNIGHT = Date.parse("2025-06-26T00:00:00Z");
const NEXT = MIDNIGHT + DAY;

beforeEach(emptyTables);

/** An order, paid or not; amounts in minor units. */
async function order(id: string, createdAt: number, amountMinor: number, over: object = {}) {
  const { currency = "USD", state = "paid", payment = "captured" } = over as Record<string, string>;
  await env.DB.batch([
    env.DB.prepare(
      "INSERT INTO orders (id, owner, user_id, amount_minor, currency, customer_email, state, email_task_id, payment_task_id, created_at) VALUES (?, 'o', 1, ?, ?, 'a@b.cc', ?, '', '', ?)",
    ).bind(id, amountMinor, currency, state, createdAt),
    env.DB.prepare(
      "INSERT INTO payments (order_id, state, task_id, provider, declines, updated_at) VALUES (?, ?, '', 'p', 0, 0)",
    ).bind(id, payment),
  ]);
}

it("the daily report has the shape of the guides, with orders and revenue", async () => {
  await store([
    request(MIDNIGHT, { route: "/api/protected/", user: "user:1", ip: "a", durationMs: 100 }),
    request(MIDNIGHT + 1, { route: "/api/protected/", user: "user:2", ip: "a", durationMs: 61 }),
    request(MIDNIGHT + 2, { route: "/api/login/", status: 401, ip: "b", durationMs: 100 }),
    request(NEXT - 1, { route: "(unmatched)", status: 404, durationMs: 0 }),
    // The days before and after.
    request(NEXT, { status: 500 }),
  ]);
  await store([request(MIDNIGHT - 1, { status: 500 })]);
  await order("1", MIDNIGHT, 123_450);
  await order("2", NEXT - 1, 5, { currency: "EUR", state: "pending", payment: "captured" });
  await order("3", MIDNIGHT + HOUR, 7, { state: "payment_failed", payment: "declined" });
  await order("4", MIDNIGHT - 1, 1_000);
  await order("5", NEXT, 1_000);
  const report = await make("daily", contextAt(NEXT + HOUR));
  expect(report).toEqual({
    date: "2025-06-26",
    total_requests: 4,
    successful_requests: 2,
    failed_requests: 2,
    success_rate: "50.0%",
    unique_users: 2,
    unique_ips: 2,
    avg_response_time: "0.065s",
    top_endpoints: { "/api/protected/": 2, "(unmatched)": 1, "/api/login/": 1 },
    orders: { count: 3, by_state: { paid: 1, payment_failed: 1, pending: 1 } },
    revenue: { EUR: "0.05", USD: "1234.50" },
  });
  expect(Object.keys(report).slice(0, 9)).toEqual([
    "date",
    "total_requests",
    "successful_requests",
    "failed_requests",
    "success_rate",
    "unique_users",
    "unique_ips",
    "avg_response_time",
    "top_endpoints",
  ]);
});

it("a day without requests and orders is a report of nothing", async () => {
  expect(await make("daily", contextAt(NEXT + HOUR))).toMatchObject({
    total_requests: 0,
    success_rate: "0.0%",
    avg_response_time: "0.000s",
    top_endpoints: {},
    orders: { count: 0, by_state: {} },
    revenue: {},
  });
});

it("only the ten most used endpoints are told, the most used first", async () => {
  const requests = Array.from({ length: 12 }, (_, route) =>
    Array.from({ length: route + 1 }, () => request(MIDNIGHT, { route: `/api/${route}/` })),
  );
  await store(requests.flat());
  const { top_endpoints: top } = await make("daily", contextAt(NEXT + HOUR));
  expect(Object.entries(top as object)).toEqual(
    Array.from({ length: 10 }, (_, place) => [`/api/${11 - place}/`, 12 - place]),
  );
});

it("the report at midnight waits until the last second's requests are stored", async () => {
  const ctx = contextAt(NEXT - 20);
  expect(await make("daily", ctx)).toMatchObject({ date: "2025-06-26" });
  expect(ctx.slept).toEqual([NEXT + 30_000]);
  const [stored] = await listReports(drizzle(env.DB), "daily", null, 10);
  expect(stored).toMatchObject({ period: "2025-06-26", isComplete: true });
});

it("a retry after midnight makes the report that was asked for before", async () => {
  const remembered = new Remembered();
  const at = (now: number, signal?: AbortSignal) => contextAt(now, {}, signal, remembered);
  const stopped = AbortSignal.abort(new Error("the database is down"));
  await expect(make("daily", at(NEXT - HOUR, stopped))).rejects.toThrow("down");
  expect(await make("daily", at(NEXT + HOUR))).toMatchObject({ date: "2025-06-25" });
  expect(await make("daily", contextAt(NEXT + HOUR))).toMatchObject({ date: "2025-06-26" });
});

it("a report of today is of what there is so far, and is replaced when the day is over", async () => {
  const db = drizzle(env.DB);
  await store([request(MIDNIGHT)]);
  const ctx = contextAt(MIDNIGHT + HOUR);
  expect(await make("daily", ctx, "2025-06-26")).toMatchObject({ total_requests: 1 });
  expect(ctx.slept).toEqual([]);
  expect(await findReport(db, "daily", "2025-06-26")).toMatchObject({ isComplete: false });
  await store([request(MIDNIGHT + 2 * HOUR)]);
  const report = await make("daily", contextAt(NEXT + HOUR));
  expect(report).toMatchObject({ total_requests: 2 });
  expect(await findReport(db, "daily", "2025-06-26")).toEqual({
    kind: "daily",
    period: "2025-06-26",
    body: JSON.stringify(report),
    isComplete: true,
    createdAt: NEXT + HOUR,
    taskId: `task-${NEXT + HOUR}`,
  });
  expect(await rows("SELECT period FROM reports")).toHaveLength(1);
});

it("made again it has the same numbers", async () => {
  await store(
    Array.from({ length: 500 }, (_, n) => request(MIDNIGHT + n * 777, { durationMs: n })),
  );
  const report = await make("daily", contextAt(NEXT + HOUR));
  expect(await make("daily", contextAt(NEXT + 5 * DAY), "2025-06-26")).toEqual(report);
});

it("a report whose log is gone is not replaced by one of what is left", async () => {
  await store([request(MIDNIGHT)]);
  await make("daily", contextAt(NEXT + HOUR));
  const late = MIDNIGHT + 31 * DAY;
  await cleanup(contextAt(late));
  await expect(make("daily", contextAt(late), "2025-06-26")).rejects.toThrow("not kept any more");
  expect((await findReport(drizzle(env.DB), "daily", "2025-06-26"))?.body).toContain(
    '"total_requests":1',
  );
});

it("a report that is told to stop stops between two pages", async () => {
  const reason = new Error("revoked");
  await expect(make("daily", contextAt(NEXT + HOUR, {}, AbortSignal.abort(reason)))).rejects.toBe(
    reason,
  );
  expect(await rows("SELECT * FROM reports")).toEqual([]);
});

/** Rows of the log with so many requests each, a second apart. */
function fillLog(from: number, count: number, requests: number) {
  const entry = '[0,"GET","/api/public/",200,10,"user:1","0123456789ab"]';
  const entries = `[${Array.from({ length: requests }, () => entry).join(",")}]`;
  return env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ? - 1)
     INSERT INTO api_log SELECT ? + i * 1000, printf('%016x', i), ? FROM n`,
  )
    .bind(count, from, entries)
    .run();
}

it("a long day is read in pages, and says how far it is", async () => {
  await fillLog(MIDNIGHT, 50_000, 1);
  const ctx = contextAt(NEXT + HOUR);
  expect(await make("daily", ctx)).toMatchObject({ total_requests: 50_000 });
  expect(ctx.reported).toEqual([
    { current: 333, total: 1_440, period: "2025-06-26" },
    { current: 666, total: 1_440, period: "2025-06-26" },
    { current: 833, total: 1_440, period: "2025-06-26" },
  ]);
});

it("a page has a bounded size also where rows are full", async () => {
  await fillLog(MIDNIGHT, 1_000, 200);
  const ctx = contextAt(NEXT + HOUR);
  expect(await make("daily", ctx)).toMatchObject({ total_requests: 200_000 });
  expect(ctx.reported).toHaveLength(3);
});

it("a busy week of lonely requests takes few of the queries that an invocation may make", async () => {
  await fillLog(MIDNIGHT, 50_000, 1);
  const faults = new Faults();
  const { services } = createShop({ database: faultyDatabase(env.DB, faults) });
  await make("weekly", contextAt(NEXT + 7 * DAY, { db: services.db }), "2025-06-26");
  // A million rows a day: 140 times as many, and the week before with them.
  expect(faults.calls).toBeLessThan(900 / 140 + 6);
});

it("a log of many days is deleted in several runs, each with few of an invocation's queries", async () => {
  await fillLog(MIDNIGHT - 100 * DAY, 250_000, 1);
  const faults = new Faults();
  const { services } = createShop({ database: faultyDatabase(env.DB, faults) });
  const clean = () => cleanup(contextAt(NEXT, { db: services.db }));
  expect(await clean()).toMatchObject({
    deleted_rows: 200_000,
    finished: false,
    continued_by: expect.any(String),
  });
  expect(faults.calls).toBeLessThan(900);
  expect(await clean()).toMatchObject({ deleted_rows: 50_000, finished: true });
});

it("the weekly analysis is held against the stored report of the week before", async () => {
  const monday = Date.parse("2025-06-16T00:00:00Z");
  await store([
    request(monday, { user: "user:1", durationMs: 50 }),
    request(monday + DAY, { user: "user:2", durationMs: 100, status: 500 }),
  ]);
  await make("weekly", contextAt(monday + 7 * DAY + HOUR));
  // Its log is not asked any more.
  await env.DB.exec("DELETE FROM api_log");
  await store([
    request(monday + 7 * DAY, { user: "user:1", durationMs: 80 }),
    request(monday + 8 * DAY, { user: "user:1", durationMs: 20 }),
    request(monday + 9 * DAY, { durationMs: 10 }),
  ]);
  const analysis = await make("weekly", contextAt(monday + 14 * DAY + HOUR));
  expect(analysis).toMatchObject({
    week: "2025-W26",
    first_day: "2025-06-23",
    last_day: "2025-06-29",
    week_over_week: {
      previous_week: "2025-W25",
      requests: { before: 2, now: 3, change_percent: 50 },
      failed_requests: { before: 1, now: 0, change_percent: -100 },
      active_users: { before: 2, now: 1, change_percent: -50 },
      p95_ms: { before: 100, now: 80, change_percent: -20 },
    },
  });
});

it("without a report of the week before its log is counted; without that there is no comparison", async () => {
  const monday = Date.parse("2025-06-23T00:00:00Z");
  await store([request(monday - DAY), request(monday + DAY), request(monday + DAY)]);
  const now = monday + 7 * DAY + HOUR;
  expect(await make("weekly", contextAt(now))).toMatchObject({
    week_over_week: {
      previous_week: "2025-W25",
      requests: { before: 1, now: 2, change_percent: 100 },
      active_users: { before: 0, now: 0, change_percent: null },
    },
  });
  expect(await make("weekly", contextAt(now, { logDays: 8 }))).toMatchObject({
    week_over_week: null,
  });
});

it("reports are listed by their periods, the newest first, page by page", async () => {
  for (const date of ["2025-06-24", "2025-06-26", "2025-06-25"]) {
    await make("daily", contextAt(NEXT + HOUR), date);
  }
  await make("weekly", contextAt(NEXT + HOUR), "2025-06-20");
  const db = drizzle(env.DB);
  const periods = async (before: string | null, limit: number) =>
    (await listReports(db, "daily", before, limit)).map(({ period }) => period);
  expect(await periods(null, 2)).toEqual(["2025-06-26", "2025-06-25"]);
  expect(await periods("2025-06-25", 2)).toEqual(["2025-06-24"]);
  expect(await listReports(db, "weekly", null, 10)).toMatchObject([{ period: "2025-W25" }]);
});

it("every query goes by a key or an index, however large the tables are", async () => {
  const queries = new Set<string>();
  const recording = new Proxy(env.DB, {
    get(target, property) {
      if (property === "prepare") {
        return (query: string) => {
          queries.add(query);
          return target.prepare(query);
        };
      }
      const value: unknown = Reflect.get(target, property);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const { services } = createShop({ database: recording });
  const ctx = () => contextAt(NEXT + HOUR, { db: services.db });
  await make("daily", ctx());
  await make("weekly", ctx(), "2025-06-20");
  await make("weekly", ctx(), "2025-06-26");
  await cleanup(ctx());
  await listReports(services.db, "daily", "2025-06-26", 10);
  const steps: string[] = [];
  for (const query of queries) {
    const values = Array.from(query.matchAll(/\?/g), () => 0);
    const plan = await rows<{ detail: string }>(`EXPLAIN QUERY PLAN ${query}`, ...values);
    steps.push(...plan.map(({ detail }) => detail));
  }
  // Subqueries are of what was found by then.
  const tables = steps.filter((step) => /^(SEARCH|SCAN) (?!\(subquery)/.test(step));
  expect(tables.filter((step) => !/USING (COVERING )?(INDEX|PRIMARY KEY)/.test(step))).toEqual([]);
  expect(tables.filter((step) => step.startsWith("SCAN"))).toEqual([]);
  expect(tables).toContain("SEARCH api_log USING PRIMARY KEY ((first_at,id)>(?,?) AND first_at<?)");
  expect(tables).toContain(
    "SEARCH orders USING INDEX orders_created (created_at>? AND created_at<?)",
  );
});

import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { LoggedRequest } from "../../../src/domain/reports/log-entry.ts";
import { periodOf } from "../../../src/domain/reports/period.ts";
import { contextAt, make, store } from "./report-rig.ts";
import { emptyTables } from "./shop.ts";

/*
 * Every number of the reports against a count over the plain list of requests and orders, which shares
 * nothing with them: days and hours by Intl, percentiles by their definition over the sorted list.
 */

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A Wednesday in a week with a change of clocks: in Cairo at midnight, in Lord Howe by half an hour. */
const WEEKS = [
  ["Europe/Berlin", "2026-03-25"],
  ["Europe/Berlin", "2026-10-21"],
  ["Africa/Cairo", "2026-04-22"],
  ["Australia/Lord_Howe", "2026-10-01"],
  ["America/Havana", "2026-10-28"],
  ["Asia/Kathmandu", "2026-06-24"],
] as const;

interface PlainOrder {
  readonly at: number;
  readonly amountMinor: number;
  readonly currency: string;
  readonly state: string;
  readonly payment: string | null;
}

const detail = fc.record({
  method: fc.constantFrom("GET", "POST"),
  route: fc.integer({ min: 0, max: 60 }).map((n) => (n === 0 ? "(unmatched)" : `/api/${n % 13}/`)),
  status: fc.constantFrom(200, 200, 200, 201, 202, 304, 400, 401, 404, 422, 429, 500, 503),
  durationMs: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 60_000 })),
  user: fc.option(fc.constantFrom("user:1", "user:2", "user:10", "shop", "7"), { freq: 2 }),
  ip: fc.option(fc.constantFrom("192.0.2.1", "192.0.2.2", "2001:db8::1"), { freq: 5 }),
});

/** Bursts, most of them around a midnight of the week or an hour off it, the others in the weeks around. */
function requestsOf(zone: string, midnight: number) {
  const midnights = Array.from({ length: 9 }, (_, index) => {
    const date = new Date(midnight + (index - 3) * DAY).toISOString().slice(0, 10);
    return periodOf("daily", date, zone).from;
  });
  const start = fc.oneof(
    fc
      .tuple(fc.constantFrom(...midnights), fc.constantFrom(-HOUR, -HOUR / 2, 0, 0, HOUR / 2, HOUR))
      .map(([at, ms]) => at + ms),
    fc.integer({ min: -10 * DAY, max: 8 * DAY }).map((ms) => midnight + ms),
  );
  const burst = fc.tuple(
    fc.tuple(start, fc.integer({ min: -15_000, max: 15_000 })).map(([at, ms]) => at + ms),
    fc.array(fc.tuple(fc.integer({ min: 0, max: 25_000 }), detail), { maxLength: 30 }),
  );
  return fc
    .array(burst, { maxLength: 20 })
    .map((bursts) =>
      bursts
        .flatMap(([begin, list]) =>
          list.map(([ms, each]): LoggedRequest => ({ at: begin + ms, ...each })),
        )
        .sort((a, b) => a.at - b.at),
    );
}

function ordersOf(midnight: number) {
  return fc.array(
    fc.record({
      at: fc
        .tuple(fc.integer({ min: -30, max: 200 }), fc.constantFrom(-1, 0, 1, 1_234_567))
        .map(([hour, ms]) => midnight + hour * HOUR + ms),
      amountMinor: fc.integer({ min: 1, max: 99_999_999 }),
      currency: fc.constantFrom("USD", "EUR", "RUB"),
      state: fc.constantFrom("pending", "paid", "payment_failed"),
      payment: fc.constantFrom(null, "charging", "captured", "captured", "declined"),
    }),
    { maxLength: 25 },
  );
}

async function insertOrders(orders: readonly PlainOrder[]): Promise<void> {
  const statements = orders.flatMap(({ at, amountMinor, currency, state, payment }, index) => [
    env.DB.prepare(
      "INSERT INTO orders (id, owner, user_id, amount_minor, currency, customer_email, state, email_task_id, payment_task_id, created_at) VALUES (?, 'o', 1, ?, ?, 'a@b.cc', ?, '', '', ?)",
    ).bind(`${index}`, amountMinor, currency, state, at),
    ...(payment === null
      ? []
      : [
          env.DB.prepare(
            "INSERT INTO payments (order_id, state, task_id, provider, declines, updated_at) VALUES (?, ?, '', 'p', 0, 0)",
          ).bind(`${index}`, payment),
        ]),
  ]);
  if (statements.length > 0) await env.DB.batch(statements);
}

/** What a zone's clocks and calendar show. */
function shownIn(zone: string) {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    hourCycle: "h23",
    timeZoneName: "longOffset",
  });
  return (at: number) => {
    const part = Object.fromEntries(
      format.formatToParts(at).map(({ type, value }) => [type, value]),
    );
    return {
      date: `${part["year"]}-${part["month"]}-${part["day"]}`,
      hour: `${part["hour"]}:00`,
      offset: part["timeZoneName"] ?? "",
    };
  };
}

const percent = (part: number, whole: number) =>
  `${(whole === 0 ? 0 : Math.round((1_000 * part) / whole) / 10).toFixed(1)}%`;
const mean = (list: readonly number[]) =>
  list.length === 0 ? 0 : Math.round(list.reduce((sum, ms) => sum + ms, 0) / list.length);
const distinct = (list: readonly (string | null)[]) =>
  new Set(list.filter((one) => one !== null)).size;
const failed = (list: readonly LoggedRequest[]) =>
  list.filter(({ status }) => status >= 400).length;

function percentile(list: readonly number[], of: number): number {
  const sorted = list.toSorted((a, b) => a - b);
  return sorted.find((_ms, index) => (index + 1) * 100 >= of * sorted.length) ?? 0;
}

/** How often each comes, the most often first, then by name. */
function ranking(list: readonly string[]): [name: string, count: number][] {
  return [...new Set(list)]
    .map((name): [string, number] => [name, list.filter((one) => one === name).length])
    .sort(([a, left], [b, right]) => right - left || (a < b ? -1 : 1));
}

function naiveDay(date: string, requests: readonly LoggedRequest[], orders: readonly PlainOrder[]) {
  const paid = orders.filter(({ payment }) => payment === "captured");
  const currencies = [...new Set(paid.map(({ currency }) => currency))].sort();
  return {
    date,
    total_requests: requests.length,
    successful_requests: requests.length - failed(requests),
    failed_requests: failed(requests),
    success_rate: percent(requests.length - failed(requests), requests.length),
    unique_users: distinct(requests.map(({ user }) => user)),
    unique_ips: distinct(requests.map(({ ip }) => ip)),
    avg_response_time: `${(mean(requests.map(({ durationMs }) => durationMs)) / 1_000).toFixed(3)}s`,
    top_endpoints: Object.fromEntries(ranking(requests.map(({ route }) => route)).slice(0, 10)),
    orders: {
      count: orders.length,
      by_state: Object.fromEntries(ranking(orders.map(({ state }) => state))),
    },
    revenue: Object.fromEntries(
      currencies.map((currency) => {
        const amounts = paid.filter((one) => one.currency === currency);
        const minor = amounts.reduce((sum, { amountMinor }) => sum + BigInt(amountMinor), 0n);
        return [currency, `${minor / 100n}.${String(minor % 100n).padStart(2, "0")}`];
      }),
    ),
  };
}

function durations(list: readonly LoggedRequest[]) {
  const ms = list.map(({ durationMs }) => durationMs);
  return {
    avg_ms: mean(ms),
    p50_ms: percentile(ms, 50),
    p90_ms: percentile(ms, 90),
    p95_ms: percentile(ms, 95),
    p99_ms: percentile(ms, 99),
    max_ms: Math.max(0, ...ms),
  };
}

/** All but the busiest hour and the slowest routes, which may be others that are as busy, or as slow. */
function naiveWeek(zone: string, days: readonly string[], requests: readonly LoggedRequest[]) {
  const shown = shownIn(zone);
  const errors = (list: readonly LoggedRequest[], from: number, until: number) =>
    list.filter(({ status }) => status >= from && status < until).length;
  const routes = ranking(requests.map(({ route }) => route));
  return {
    first_day: days[0],
    last_day: days[6],
    total_requests: requests.length,
    successful_requests: requests.length - failed(requests),
    failed_requests: failed(requests),
    client_errors: errors(requests, 400, 500),
    server_errors: errors(requests, 500, 600),
    success_rate: percent(requests.length - failed(requests), requests.length),
    active_users: distinct(requests.map(({ user }) => user)),
    response_time: durations(requests),
    requests_per_day: Object.fromEntries(
      days.map((day) => [day, requests.filter(({ at }) => shown(at).date === day).length]),
    ),
    requests_per_hour: Object.fromEntries(
      Array.from({ length: 24 }, (_, hour) => `${String(hour).padStart(2, "0")}:00`).map((hour) => [
        hour,
        requests.filter(({ at }) => shown(at).hour === hour).length,
      ]),
    ),
    routes: Object.fromEntries(
      routes.map(([route, count]) => {
        const list = requests.filter((one) => one.route === route);
        return [
          route,
          {
            requests: count,
            client_error_rate: percent(errors(list, 400, 500), count),
            server_error_rate: percent(errors(list, 500, 600), count),
            ...durations(list),
          },
        ];
      }),
    ),
    top_users: ranking(requests.flatMap(({ user }) => user ?? [])).map(([user, count]) => ({
      user,
      requests: count,
    })),
  };
}

it.each(WEEKS)(
  "every number of the reports is that of a plain count: %s, the week of %s",
  async (zone, wednesday) => {
    const midnight = Date.parse(`${wednesday}T00:00:00Z`);
    const week = periodOf("weekly", wednesday, zone);
    const shown = shownIn(zone);
    const monday = Date.parse(`${week.days[0]}T00:00:00Z`);
    const weekBefore = Array.from({ length: 7 }, (_, day) =>
      new Date(monday + (day - 7) * DAY).toISOString().slice(0, 10),
    );
    const context = () => contextAt(week.until + HOUR, { timezone: zone });
    await fc.assert(
      fc.asyncProperty(requestsOf(zone, midnight), ordersOf(midnight), async (requests, orders) => {
        await emptyTables();
        // Two isolates at once: their rows overlap.
        await store(requests.filter((_each, index) => index % 3 === 0));
        await store(requests.filter((_each, index) => index % 3 !== 0));
        await insertOrders(orders);
        for (const date of week.days) {
          const isThen = ({ at }: { readonly at: number }) => shown(at).date === date;
          const expected = naiveDay(date, requests.filter(isThen), orders.filter(isThen));
          expect(await make("daily", context(), date)).toEqual(expected);
        }
        const inDays = (days: readonly string[]) =>
          requests.filter(({ at }) => days.includes(shown(at).date));
        const now = inDays(week.days);
        const before = inDays(weekBefore);
        const analysis = await make("weekly", context(), wednesday);
        expect(analysis).toMatchObject(naiveWeek(zone, week.days, now));
        const { busiest_hour: busiest, slowest_routes: slowest } = analysis as {
          busiest_hour: { requests: number } | null;
          slowest_routes: Record<string, number>;
        };
        const hours = ranking(now.map(({ at }) => Object.values(shown(at)).join(" ")));
        expect(busiest?.requests).toBe(hours[0]?.[1]);
        const p95s = [...new Set(now.map(({ route }) => route))].map(
          (route) => durations(now.filter((one) => one.route === route)).p95_ms,
        );
        expect(Object.values(slowest)).toEqual(p95s.sort((a, b) => b - a).slice(0, 10));
        expect(analysis["week_over_week"]).toMatchObject({
          requests: { before: before.length, now: now.length },
          failed_requests: { before: failed(before), now: failed(now) },
          active_users: {
            before: distinct(before.map(({ user }) => user)),
            now: distinct(now.map(({ user }) => user)),
          },
          p95_ms: { before: durations(before).p95_ms, now: durations(now).p95_ms },
        });
      }),
      { numRuns: 8, endOnFailure: true },
    );
  },
  60_000,
);

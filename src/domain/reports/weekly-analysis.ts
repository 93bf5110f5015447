import { defineShopTask } from "../services/index.ts";
import {
  makeReport,
  readPeriod,
  REPORT_OPTIONS,
  reportParams,
  type ReportContext,
} from "./make-report.ts";
import { isLogKept, periodBefore, type Period } from "./period.ts";
import { findReport } from "./report-book.ts";
import { percentOf, RouteTallies, type Tally } from "./tally.ts";
import { Times } from "./times.ts";

const MAX_ROUTES = 50;
const SLOWEST_ROUTES = 10;
const TOP_USERS = 20;

type Durations = {
  readonly avg_ms: number;
  readonly p50_ms: number;
  readonly p90_ms: number;
  readonly p95_ms: number;
  readonly p99_ms: number;
  readonly max_ms: number;
};

type RouteReport = Durations & {
  readonly requests: number;
  /** Share of its requests that ended with 400 to 499, and with 500 or above. */
  readonly client_error_rate: string;
  readonly server_error_rate: string;
};

/** What weeks are compared by. */
type WeekFigures = {
  readonly requests: number;
  readonly failed_requests: number;
  readonly active_users: number;
  readonly p95_ms: number;
};

type Change = {
  readonly before: number;
  readonly now: number;
  /** With one decimal; null where there was nothing before. */
  readonly change_percent: number | null;
};

/** A week of the API; ms are whole. */
export type WeeklyAnalysis = {
  readonly week: string;
  readonly first_day: string;
  readonly last_day: string;
  readonly total_requests: number;
  readonly successful_requests: number;
  readonly failed_requests: number;
  readonly client_errors: number;
  readonly server_errors: number;
  readonly success_rate: string;
  /** Different users that made a request. */
  readonly active_users: number;
  readonly response_time: Durations;
  readonly requests_per_day: Readonly<Record<string, number>>;
  /** All days together, by the zone's hour: `09:00`. */
  readonly requests_per_hour: Readonly<Record<string, number>>;
  /** Null: there were no requests. */
  readonly busiest_hour: { readonly start: string; readonly requests: number } | null;
  /** The 50 most used, the most first. */
  readonly routes: Readonly<Record<string, RouteReport>>;
  /** Of all routes the ten with the highest p95, in ms. */
  readonly slowest_routes: Readonly<Record<string, number>>;
  readonly top_users: readonly { readonly user: string; readonly requests: number }[];
  /** Null: nothing is known of the week before. */
  readonly week_over_week:
    | ({ readonly previous_week: string } & Readonly<Record<keyof WeekFigures, Change>>)
    | null;
};

/** The analysis of a week, by default of the last one that has ended in the deployment's zone. */
export const processApiAnalytics = defineShopTask({
  name: "process_api_analytics",
  params: reportParams,
  ...REPORT_OPTIONS,
  handler: ({ date }, ctx) =>
    makeReport("weekly", date, ctx, (period) => weeklyAnalysis(period, ctx)),
});

async function weeklyAnalysis(period: Period, ctx: ReportContext): Promise<WeeklyAnalysis> {
  const { timezone } = ctx.services;
  const tallies = new RouteTallies();
  const times = new Times();
  await readPeriod(ctx, period, (at, entry) => {
    tallies.add(entry);
    times.add(at);
  });
  const total = tallies.total();
  const busiest = times.busiestHour(timezone);
  const routes = tallies.routes();
  return {
    week: period.key,
    first_day: period.days[0] ?? "",
    last_day: period.days.at(-1) ?? "",
    total_requests: total.requests,
    successful_requests: total.requests - total.failed,
    failed_requests: total.failed,
    client_errors: total.clientErrors,
    server_errors: total.serverErrors,
    success_rate: percentOf(total.requests - total.failed, total.requests),
    active_users: tallies.users.size,
    response_time: durationsOf(total),
    requests_per_day: times.byDay(timezone, period.days),
    requests_per_hour: times.byHour(timezone),
    busiest_hour: busiest && { ...busiest, start: new Date(busiest.start).toISOString() },
    routes: Object.fromEntries(
      routes.slice(0, MAX_ROUTES).map(([route, tally]) => [route, routeReport(tally)]),
    ),
    slowest_routes: slowest(routes),
    top_users: tallies.topUsers(TOP_USERS).map(([user, requests]) => ({ user, requests })),
    week_over_week: await weekOverWeek(period, figuresOf(tallies), ctx),
  };
}

function durationsOf(tally: Tally): Durations {
  const [p50, p90, p95, p99, max] = tally.percentiles([50, 90, 95, 99, 100]);
  return {
    avg_ms: tally.averageMs,
    p50_ms: p50,
    p90_ms: p90,
    p95_ms: p95,
    p99_ms: p99,
    max_ms: max,
  };
}

function routeReport(tally: Tally): RouteReport {
  return {
    requests: tally.requests,
    client_error_rate: percentOf(tally.clientErrors, tally.requests),
    server_error_rate: percentOf(tally.serverErrors, tally.requests),
    ...durationsOf(tally),
  };
}

/** Of those that are as slow the more used first. */
function slowest(routes: readonly (readonly [string, Tally])[]): Record<string, number> {
  const byP95 = routes.map(([route, tally]) => [route, tally.percentiles([95])[0]] as const);
  return Object.fromEntries(byP95.sort(([, a], [, b]) => b - a).slice(0, SLOWEST_ROUTES));
}

function figuresOf(tallies: RouteTallies): WeekFigures {
  const total = tallies.total();
  return {
    requests: total.requests,
    failed_requests: total.failed,
    active_users: tallies.users.size,
    p95_ms: total.percentiles([95])[0],
  };
}

async function weekOverWeek(
  period: Period,
  now: WeekFigures,
  ctx: ReportContext,
): Promise<WeeklyAnalysis["week_over_week"]> {
  const week = periodBefore(period, ctx.services.timezone);
  const before = await figuresBefore(week, ctx);
  if (before === null) return null;
  const change = (figure: keyof WeekFigures) => changeOf(before[figure], now[figure]);
  return {
    previous_week: week.key,
    requests: change("requests"),
    failed_requests: change("failed_requests"),
    active_users: change("active_users"),
    p95_ms: change("p95_ms"),
  };
}

/** From the report of that week, else from its log, while that is kept; null: neither is there. */
async function figuresBefore(week: Period, ctx: ReportContext): Promise<WeekFigures | null> {
  const { clock, db, logDays } = ctx.services;
  const stored = await findReport(db, "weekly", week.key);
  if (stored?.isComplete === true) {
    const report = JSON.parse(stored.body) as WeeklyAnalysis;
    return {
      requests: report.total_requests,
      failed_requests: report.failed_requests,
      active_users: report.active_users,
      p95_ms: report.response_time.p95_ms,
    };
  }
  if (!isLogKept(week, clock.now(), logDays)) return null;
  const tallies = new RouteTallies();
  await readPeriod(ctx, week, (_at, entry) => {
    tallies.add(entry);
  });
  return figuresOf(tallies);
}

function changeOf(before: number, now: number): Change {
  const change = before === 0 ? null : Math.round(((now - before) / before) * 1_000) / 10;
  return { before, now, change_percent: change };
}

import { defineShopTask } from "../services/index.ts";
import {
  makeReport,
  readPeriod,
  REPORT_OPTIONS,
  reportParams,
  type ReportContext,
} from "./make-report.ts";
import type { Period } from "./period.ts";
import { salesOf, type Sales } from "./sales.ts";
import { percentOf, RouteTallies } from "./tally.ts";

const TOP_ENDPOINTS = 10;

/** A day of the API and of the shop. */
export type DailyReport = Sales & {
  readonly date: string;
  readonly total_requests: number;
  /** Failed are those answered with 400 or above. */
  readonly successful_requests: number;
  readonly failed_requests: number;
  /** `91.0%`. */
  readonly success_rate: string;
  readonly unique_users: number;
  readonly unique_ips: number;
  /** `0.087s`. */
  readonly avg_response_time: string;
  /** Requests of the ten most used, the most first. */
  readonly top_endpoints: Readonly<Record<string, number>>;
};

/**
 * The report of a day, by default of the one that has just ended in the deployment's zone. Made again it has
 * the same numbers, but for orders that were paid, or moved on, in the meantime.
 */
export const generateDailyReport = defineShopTask({
  name: "generate_daily_report",
  params: reportParams,
  ...REPORT_OPTIONS,
  handler: ({ date }, ctx) => makeReport("daily", date, ctx, (period) => dailyReport(period, ctx)),
});

async function dailyReport(period: Period, ctx: ReportContext): Promise<DailyReport> {
  const tallies = new RouteTallies();
  // 48 bits are exact as numbers, which take less memory than texts.
  const ips = new Set<number>();
  await readPeriod(ctx, period, (_at, entry) => {
    tallies.add(entry);
    const ip = entry[6];
    if (ip !== null) ips.add(Number.parseInt(ip, 16));
  });
  const total = tallies.total();
  const successful = total.requests - total.failed;
  const top = tallies.routes().slice(0, TOP_ENDPOINTS);
  return {
    date: period.key,
    total_requests: total.requests,
    successful_requests: successful,
    failed_requests: total.failed,
    success_rate: percentOf(successful, total.requests),
    unique_users: tallies.users.size,
    unique_ips: ips.size,
    avg_response_time: `${(total.averageMs / 1_000).toFixed(3)}s`,
    top_endpoints: Object.fromEntries(top.map(([route, { requests }]) => [route, requests])),
    ...(await salesOf(ctx.services.db, period, ctx.signal)),
  };
}

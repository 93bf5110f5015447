import type { DailyReport, StoredReport, WeeklyAnalysis } from "#domain/reports";
import type { ApiCall } from "../../api/route.ts";
import { count, Json, page, placeOf, When } from "../shell/index.ts";
import { Bars, Columns, type Bar } from "./bars.tsx";
import { WeekParts } from "./week-parts.tsx";

interface Shown {
  readonly stored: StoredReport;
  /** It and those before it, the oldest first. */
  readonly trend: readonly StoredReport[];
}

/** One report: its figures, and where they stand among those before. */
export function reportPage(call: ApiCall, { stored, trend }: Shown): Response {
  const { kind, period, isComplete, createdAt, taskId } = stored;
  const report = JSON.parse(stored.body) as DailyReport | WeeklyAnalysis;
  const file = `/api/reports/${kind}/${period}/`;
  return page(call, {
    title: `${kind === "daily" ? "Day" : "Week"} ${period}`,
    place: "/dashboard/reports",
    actions: (
      <>
        <a class="button" href={`${file}?format=csv`}>
          CSV
        </a>
        <a class="button" href={`${file}?format=json`}>
          JSON
        </a>
      </>
    ),
    children: (
      <div class="stack">
        <p class="quiet lead">
          Made <When at={createdAt} /> by <a href={placeOf.task(taskId)}>its task</a>
          {isComplete ? "." : ", before its period had ended: made again it says more."}
        </p>
        <Figures report={report} />
        <Trend kind={kind} trend={trend} />
        {"date" in report ? <DayParts report={report} /> : <WeekParts report={report} />}
        <details class="card">
          <summary>The whole report</summary>
          <Json value={report} label="The whole report" />
        </details>
      </div>
    ),
  });
}

function Figures({ report }: { report: DailyReport | WeeklyAnalysis }) {
  const figures: [string, string][] = [
    ["Requests", count(report.total_requests)],
    ["Success rate", report.success_rate],
    ["Failed", count(report.failed_requests)],
    ...("date" in report
      ? ([
          ["Users", count(report.unique_users)],
          ["Average answer", report.avg_response_time],
          ["Orders", count(report.orders.count)],
          ["Revenue", revenueWords(report)],
        ] as [string, string][])
      : ([
          ["Users", count(report.active_users)],
          ["p50", `${report.response_time.p50_ms} ms`],
          ["p95", `${report.response_time.p95_ms} ms`],
          ["p99", `${report.response_time.p99_ms} ms`],
        ] as [string, string][])),
  ];
  return (
    <dl class="figures">
      {figures.map(([name, value]) => (
        <div>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function revenueWords({ revenue }: DailyReport): string {
  const parts = Object.entries(revenue).map(([currency, amount]) => `${amount} ${currency}`);
  return parts.length === 0 ? "none" : parts.join(", ");
}

/** The periods up to this one, each a column. */
function Trend({ kind, trend }: { kind: string; trend: readonly StoredReport[] }) {
  const reports = trend.map(({ period, body }) => ({
    period,
    report: JSON.parse(body) as DailyReport | WeeklyAnalysis,
  }));
  const columns = (of: (report: DailyReport | WeeklyAnalysis) => [number, string]): Bar[] =>
    reports.map(({ period, report }) => {
      const [value, words] = of(report);
      return { name: period, value, words };
    });
  const requests = columns((one) => [one.total_requests, count(one.total_requests)]);
  const rates = columns((one) => [Number.parseFloat(one.success_rate) || 0, one.success_rate]);
  const currencies = new Set(
    reports.flatMap(({ report }) => ("revenue" in report ? Object.keys(report.revenue) : [])),
  );
  const plots = [
    { title: "Requests", colour: "c" as const, bars: requests },
    { title: "Success rate", colour: "a" as const, bars: rates },
    ...[...currencies].sort().map((currency) => ({
      title: `Revenue, ${currency}`,
      colour: "a" as const,
      bars: columns((one) => {
        const amount = "revenue" in one ? (one.revenue[currency] ?? "0.00") : "0.00";
        return [Number(amount), amount];
      }),
    })),
  ];
  return (
    <div class="grid">
      {plots.map(({ title, colour, bars }) => (
        <section class="card">
          <h2>{`${title} by ${kind === "daily" ? "day" : "week"}`}</h2>
          <Columns bars={bars} label={title} colour={colour} />
        </section>
      ))}
    </div>
  );
}

function DayParts({ report }: { report: DailyReport }) {
  const bars = (values: Readonly<Record<string, number>>): Bar[] =>
    Object.entries(values).map(([name, value]) => ({ name, value, words: count(value) }));
  return (
    <div class="grid">
      <section class="card">
        <h2>Most used endpoints</h2>
        <Bars bars={bars(report.top_endpoints)} label="Requests by endpoint" colour="c" />
      </section>
      <section class="card">
        <h2>Orders by state</h2>
        <Bars bars={bars(report.orders.by_state)} label="Orders by state" />
      </section>
    </div>
  );
}

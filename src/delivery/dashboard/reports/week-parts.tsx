import type { WeeklyAnalysis } from "#domain/reports";
import { Cell, count, Table } from "../shell/index.ts";
import { Bars, Columns, type Bar } from "./bars.tsx";

/** What a week's analysis says besides its figures. */
export function WeekParts({ report }: { report: WeeklyAnalysis }) {
  return (
    <>
      <div class="grid">
        <section class="card">
          <h2>Requests by day</h2>
          <Columns bars={counted(report.requests_per_day)} label="Requests by day" colour="c" />
        </section>
        <section class="card">
          <h2>Requests by hour of the day</h2>
          <Columns bars={counted(report.requests_per_hour)} label="Requests by hour" colour="c" />
        </section>
        <section class="card">
          <h2>Slowest routes, p95</h2>
          <Bars bars={slowest(report)} label="Slowest routes" colour="d" />
        </section>
        <section class="card">
          <h2>Most active users</h2>
          <Bars bars={topUsers(report)} label="Requests by user" colour="c" />
        </section>
      </div>
      {report.week_over_week === null ? null : <Changes week={report.week_over_week} />}
      <section class="card">
        <h2>Routes</h2>
        <Routes report={report} />
      </section>
    </>
  );
}

function counted(values: Readonly<Record<string, number>>): Bar[] {
  return Object.entries(values).map(([name, value]) => ({ name, value, words: count(value) }));
}

function slowest({ slowest_routes: routes }: WeeklyAnalysis): Bar[] {
  return Object.entries(routes).map(([name, ms]) => ({ name, value: ms, words: `${ms} ms` }));
}

function topUsers({ top_users: users }: WeeklyAnalysis): Bar[] {
  return users.map(({ user, requests }) => ({
    name: user,
    value: requests,
    words: count(requests),
  }));
}

function Changes({ week }: { week: NonNullable<WeeklyAnalysis["week_over_week"]> }) {
  const { previous_week: before, ...figures } = week;
  return (
    <section class="card">
      <h2>{`Against ${before}`}</h2>
      <Table
        caption="Against the week before"
        numbers={["Before", "Now", "Change"]}
        head={["Figure", "Before", "Now", "Change"]}
      >
        {Object.entries(figures).map(([name, change]) => (
          <tr>
            <Cell name="Figure">{name.replaceAll("_", " ")}</Cell>
            <Cell name="Before" kind="number">
              {count(change.before)}
            </Cell>
            <Cell name="Now" kind="number">
              {count(change.now)}
            </Cell>
            <Cell name="Change" kind="number">
              {change.change_percent === null
                ? "–"
                : `${change.change_percent > 0 ? "+" : ""}${change.change_percent} %`}
            </Cell>
          </tr>
        ))}
      </Table>
    </section>
  );
}

function Routes({ report: { routes } }: { report: WeeklyAnalysis }) {
  return (
    <Table
      caption="Routes"
      numbers={["Requests", "4xx", "5xx", "Average", "p95", "p99", "Longest"]}
      head={["Route", "Requests", "4xx", "5xx", "Average", "p95", "p99", "Longest"]}
    >
      {Object.entries(routes).map(([name, route]) => (
        <tr>
          <Cell name="Route" kind="mono">
            {name}
          </Cell>
          <Cell name="Requests" kind="number">
            {count(route.requests)}
          </Cell>
          <Cell name="4xx" kind="number">
            {route.client_error_rate}
          </Cell>
          <Cell name="5xx" kind="number">
            {route.server_error_rate}
          </Cell>
          {(["avg_ms", "p95_ms", "p99_ms", "max_ms"] as const).map((key, index) => (
            <Cell name={["Average", "p95", "p99", "Longest"][index] ?? ""} kind="number">
              {`${route[key]} ms`}
            </Cell>
          ))}
        </tr>
      ))}
    </Table>
  );
}

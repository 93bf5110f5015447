import type { QueueLength, SystemReport, TaskRecord } from "#engine";
import { endedOf, percentile, totalFigures } from "#engine";
import type { ApiCall } from "../../api/route.ts";
import { Plot } from "../plots/index.ts";
import {
  Cell,
  count,
  duration,
  Empty,
  page,
  pathWith,
  placeOf,
  Table,
  Tag,
  When,
} from "../shell/index.ts";
import type { FailureGroup } from "./failures.ts";
import { percent, plotsOf, SPANS, successShare, type Span, type Step } from "./figures.ts";
import { Numbers } from "./numbers.tsx";
import { Queues } from "./queues.tsx";

const REFRESH_SECONDS = 5;
const SHOWN_FAILURES = 12;

interface Overview {
  readonly span: Span;
  /** Epoch ms. */
  readonly now: number;
  /** What is null here can't be reached just now. */
  readonly steps: readonly Step[] | null;
  readonly queues: readonly QueueLength[] | null;
  readonly running: readonly TaskRecord[] | null;
  readonly hasMoreRunning: boolean;
  readonly failures: readonly FailureGroup[] | null;
  readonly report: SystemReport | null;
}

export function overviewPage(call: ApiCall, overview: Overview): Response {
  const { span, now, steps, queues, running, hasMoreRunning, failures, report } = overview;
  return page(call, {
    title: "Overview",
    place: "/dashboard",
    live: { everySeconds: REFRESH_SECONDS },
    actions: <Spans span={span} />,
    children: (
      <div class="stack">
        {report === null ? (
          <Unreached what="How the deployment does" />
        ) : (
          <Health report={report} />
        )}
        <Totals steps={steps} queues={queues} now={now} />
        {steps === null ? (
          <Unreached what="What was counted" />
        ) : (
          <>
            <div class="plots">
              {plotsOf(steps).map((plot) => (
                <Plot plot={plot} />
              ))}
            </div>
            <Numbers steps={steps} />
          </>
        )}
        <Queues queues={queues} now={now} />
        <div class="grid wide">
          <Running tasks={running} hasMore={hasMoreRunning} now={now} />
          <Failures groups={failures} />
        </div>
      </div>
    ),
  });
}

function Spans({ span }: { span: Span }) {
  return (
    <nav class="tabs" aria-label="Time">
      {Object.entries(SPANS).map(([name, { label }]) => (
        <a href={`/dashboard?span=${name}`} aria-current={name === span ? "page" : undefined}>
          {label}
        </a>
      ))}
    </nav>
  );
}

/** One line: all is well, or what isn't. */
function Health({ report: { agents, findings } }: { report: SystemReport }) {
  const problems = [
    ...agents.flatMap(({ name, problem }) => (problem === null ? [] : [`${name}: ${problem}`])),
    ...findings.flatMap(({ level, name, message }) =>
      level === "problem" ? [`${name}: ${message}`] : [],
    ),
  ];
  const risks = findings.filter(({ level }) => level === "risk");
  const [first = ""] = problems;
  const kind = problems.length > 0 ? "bad" : risks.length > 0 ? "warn" : "good";
  const words = {
    bad: problems.length === 1 ? first : `${problems.length} problems. ${first}`,
    warn: `All runs. ${risks.length === 1 ? "1 setting is" : `${risks.length} settings are`} risky: ${risks[0]?.message ?? ""}`,
    good: "All well.",
  }[kind];
  return (
    <p class={`health ${kind}`}>
      <Tag state={{ bad: "problem", warn: "risk", good: "ok" }[kind]} kind={kind} />
      <span>{words}</span>
      <a href="/dashboard/system">System</a>
    </p>
  );
}

function Totals({
  steps,
  queues,
  now,
}: {
  steps: readonly Step[] | null;
  queues: readonly QueueLength[] | null;
  now: number;
}) {
  const total = totalFigures((steps ?? []).map(({ figures }) => figures));
  const sum = (of: (queue: QueueLength) => number) =>
    queues === null ? "–" : count(queues.reduce((all, queue) => all + of(queue), 0));
  const oldest = Math.min(...(queues ?? []).map(({ oldestAt }) => oldestAt ?? Infinity));
  const share = successShare(total);
  const figures = [
    ["Ended", steps === null ? "–" : count(endedOf(total)), `${count(total.failed)} failed`],
    ["Success rate", percent(share), `${count(total.retried)} retries`],
    ["Run time, p95", duration(percentile(total.runtime, 0.95)), ""],
    ["Wait, p95", duration(percentile(total.wait, 0.95)), ""],
    ["Running now", sum(({ running }) => running), ""],
    [
      "Waiting now",
      sum(({ waiting }) => waiting),
      Number.isFinite(oldest) ? `oldest ${duration(Math.max(0, now - oldest))}` : "",
    ],
  ];
  return (
    <dl class="figures">
      {figures.map(([name, value, more]) => (
        <div>
          <dt>{name}</dt>
          <dd>
            {value} <small>{more}</small>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Unreached({ what }: { what: string }) {
  return (
    <section class="card">
      <Empty>{what} can’t be reached just now.</Empty>
    </section>
  );
}

function Running({
  tasks,
  hasMore,
  now,
}: {
  tasks: readonly TaskRecord[] | null;
  hasMore: boolean;
  now: number;
}) {
  if (tasks === null) return <Unreached what="What runs" />;
  return (
    <section class="card">
      <h2>Running now</h2>
      {tasks.length === 0 ? (
        <Empty>Nothing runs just now.</Empty>
      ) : (
        <Table
          caption="Tasks that run now"
          head={["Task", "Queue", "Attempt", "For"]}
          numbers={["Attempt", "For"]}
        >
          {tasks.map((task) => {
            const attempt = task.attempts.at(-1);
            return (
              <tr id={`running-${task.id}`}>
                <Cell name="Task">
                  <a href={placeOf.task(task.id)}>{task.name}</a>{" "}
                  {task.reported === undefined ? null : <Tag state={task.reported.state} />}
                </Cell>
                <Cell name="Queue">{task.queue}</Cell>
                <Cell name="Attempt" kind="number">
                  {attempt?.attempt ?? 1}
                </Cell>
                <Cell name="For" kind="number">
                  {duration(attempt === undefined ? null : Math.max(0, now - attempt.startedAt))}
                </Cell>
              </tr>
            );
          })}
        </Table>
      )}
      {hasMore ? (
        <p class="small">
          <a href="/dashboard/tasks?state=STARTED">All that run</a>
        </p>
      ) : null}
    </section>
  );
}

function Failures({ groups }: { groups: readonly FailureGroup[] | null }) {
  if (groups === null) return <Unreached what="What failed" />;
  return (
    <section class="card">
      <h2>Recent failures</h2>
      {groups.length === 0 ? (
        <Empty>Nothing has failed.</Empty>
      ) : (
        <Table
          caption="Failures by task and error"
          head={["Task and error", "Recent", "Dead letters", "Last"]}
          numbers={["Recent", "Dead letters"]}
        >
          {groups.slice(0, SHOWN_FAILURES).map((group) => (
            <Failure group={group} />
          ))}
        </Table>
      )}
    </section>
  );
}

function Failure({ group }: { group: FailureGroup }) {
  const { name, excType, recent, deadLetters, lastAt, message } = group;
  const failed = pathWith("/dashboard/tasks", { name, state: "FAILURE", text: excType });
  const letters = pathWith("/dashboard/dead-letters", { name, exc_type: excType });
  return (
    <tr>
      <Cell name="Task and error">
        <a href={failed}>{name}</a> <span class="bad">{excType}</span>
        {message === "" ? null : (
          <span class="quiet small cut" dir="auto">
            {message.slice(0, 160)}
          </span>
        )}
      </Cell>
      <Cell name="Recent" kind="number">
        {count(recent)}
      </Cell>
      <Cell name="Dead letters" kind="number">
        {deadLetters === 0 ? "0" : <a href={letters}>{count(deadLetters)}</a>}
      </Cell>
      <Cell name="Last">
        <When at={lastAt} />
      </Cell>
    </tr>
  );
}

import type { AgentReport, Finding, SystemFigure, SystemReport, Usage } from "#engine";
import type { ApiCall } from "../../api/route.ts";
import { Cell, count, counted, Empty, page, Table, Tag, When } from "../shell/index.ts";

const REFRESH_SECONDS = 15;
/** From here on something that has an end is shown as nearly used up. */
const HIGH_SHARE = 0.8;

/** Whether all that should run by itself does, and what would be wrong. */
export function systemPage(call: ApiCall, report: SystemReport): Response {
  const { agents, usage, figures, findings } = report;
  const problems = findings.filter(({ level }) => level === "problem");
  const risks = findings.filter(({ level }) => level === "risk");
  const isWrong = problems.length > 0 || agents.some(({ problem }) => problem !== null);
  return page(call, {
    title: "System",
    place: "/dashboard/system",
    live: { everySeconds: REFRESH_SECONDS },
    actions: (
      <>
        <Tag state={report.environment} />
        <Tag state={isWrong ? "problem" : "all well"} kind={isWrong ? "bad" : "good"} />
      </>
    ),
    children: (
      <div class="stack">
        {problems.length === 0 ? null : <Findings title="What is wrong" findings={problems} />}
        <section class="card">
          <h2>What the deployment does by itself</h2>
          <Agents agents={agents} />
        </section>
        <div class="grid">
          <section class="card">
            <h2>Limits used</h2>
            {usage.length === 0 ? <Empty>Nothing was measured.</Empty> : <Limits usage={usage} />}
          </section>
          {figures.length === 0 ? null : (
            <section class="card">
              <h2>Counted</h2>
              <Figures figures={figures} />
            </section>
          )}
        </div>
        <Findings title="Risky settings" findings={risks} />
      </div>
    ),
  });
}

function Findings({ title, findings }: { title: string; findings: readonly Finding[] }) {
  return (
    <section class="card">
      <h2>{title}</h2>
      {findings.length === 0 ? (
        <Empty>None.</Empty>
      ) : (
        <ul class="lines">
          {findings.map(({ name, level, message }) => (
            <li>
              <Tag state={name} kind={level === "problem" ? "bad" : "warn"} />
              <span>{message}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Agents({ agents }: { agents: readonly AgentReport[] }) {
  return (
    <Table caption="Agents" head={["Agent", "What it does", "Last ran", "Next", "State"]}>
      {agents.map((agent) => (
        <tr>
          <Cell name="Agent" kind="whole">
            <strong>{agent.name}</strong>
          </Cell>
          <Cell name="What it does">{agent.does}</Cell>
          <Cell name="Last ran">
            <When at={agent.lastRanAt} />
          </Cell>
          <Cell name="Next">
            <When at={agent.nextAt} />
          </Cell>
          <Cell name="State">
            {agent.problem === null ? (
              <Tag state="ok" kind="good" />
            ) : (
              <span class="bad">
                {agent.problem}
                {agent.problemSince === null ? null : (
                  <>
                    {" "}
                    (since <When at={agent.problemSince} />)
                  </>
                )}
              </span>
            )}
            {agent.note === null ? null : <p class="hint">{agent.note}</p>}
          </Cell>
        </tr>
      ))}
    </Table>
  );
}

function Limits({ usage }: { usage: readonly Usage[] }) {
  return (
    <Table
      caption="Limits used"
      numbers={["Used", "Limit"]}
      head={["Of", "Used", "Limit", "Share"]}
    >
      {usage.map(({ name, used, limit, unit }) => (
        <tr>
          <Cell name="Of">{name}</Cell>
          <Cell name="Used" kind="number">
            {amount(used, unit)}
          </Cell>
          <Cell name="Limit" kind="number">
            {amount(limit, unit)}
          </Cell>
          <Cell name="Share">
            <meter
              min={0}
              max={limit}
              high={limit * HIGH_SHARE}
              optimum={0}
              value={Math.min(used, limit)}
              aria-label={`${name}: ${shareOf(used, limit)} of the limit`}
            />{" "}
            {shareOf(used, limit)}
          </Cell>
        </tr>
      ))}
    </Table>
  );
}

const BYTES = ["bytes", "kB", "MB", "GB", "TB"];

/** "86 kB", "50,000 tasks". */
function amount(value: number, unit: string): string {
  if (unit !== "bytes") return counted(value, unit.replace(/s$/, ""));
  const power = Math.min(BYTES.length - 1, Math.floor(Math.log10(Math.max(1, value)) / 3));
  return `${count(Math.round(value / 1_000 ** power))} ${BYTES[power]}`;
}

function shareOf(used: number, limit: number): string {
  const percent = limit === 0 ? 0 : (used / limit) * 100;
  return percent > 0 && percent < 1 ? "< 1 %" : `${Math.round(percent)} %`;
}

function Figures({ figures }: { figures: readonly SystemFigure[] }) {
  return (
    <Table caption="What is counted" numbers={["Count"]} head={["What", "Count", "Since"]}>
      {figures.map(({ name, value, unit, since }) => (
        <tr>
          <Cell name="What">{name}</Cell>
          <Cell name="Count" kind="number">
            {amount(value, unit)}
          </Cell>
          <Cell name="Since">{since === null ? "now" : <When at={since} />}</Cell>
        </tr>
      ))}
    </Table>
  );
}

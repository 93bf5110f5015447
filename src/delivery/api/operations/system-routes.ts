import type { AgentReport, SystemReport } from "#engine";
import * as z from "zod";
import type { ApiParts, Route } from "../route.ts";
import { iso } from "../tasks/task-views.ts";

const time = z.iso.datetime().nullable();

/** What `GET /api/system/` answers. */
const systemSchema = z.object({
  status: z.enum(["ok", "problem"]),
  at: z.iso.datetime(),
  environment: z.enum(["development", "staging", "production"]),
  agents: z.array(
    z.object({
      name: z.string(),
      does: z.string(),
      last_ran_at: time,
      next_at: time,
      problem: z.string().nullable(),
      problem_since: time,
      note: z.string().nullable(),
    }),
  ),
  usage: z.array(
    z.object({ name: z.string(), used: z.number(), limit: z.number(), unit: z.string() }),
  ),
  figures: z.array(
    z.object({ name: z.string(), value: z.number(), unit: z.string(), since: time }),
  ),
  findings: z.array(
    z.object({ name: z.string(), level: z.enum(["problem", "risk"]), message: z.string() }),
  ),
});

/** How the deployment is: for those who watch over it, and for what starts and stops it. */
export function systemRoutes({ system, readiness }: ApiParts): Route[] {
  return [
    {
      method: "GET",
      path: "/api/system",
      scope: "monitor",
      rate: "read",
      doc: {
        summary: "Tell how the deployment is",
        tag: "system",
        answers: { 200: systemSchema },
      },
      handle: async () => Response.json(systemView(await system.report())),
    },
    {
      method: "GET",
      path: "/readyz",
      scope: "public",
      rate: "public",
      doc: {
        summary: "Tell whether the deployment can do its work",
        tag: "system",
        answers: {
          200: z.object({ status: z.literal("ok") }),
          503: z.object({ status: z.literal("unavailable"), failing: z.array(z.string()) }),
        },
      },
      handle: async () => readyView(await readiness.failing()),
    },
  ];
}

function systemView(report: SystemReport): z.output<typeof systemSchema> {
  const isWrong =
    report.agents.some(({ problem }) => problem !== null) ||
    report.findings.some(({ level }) => level === "problem");
  return {
    status: isWrong ? "problem" : "ok",
    at: new Date(report.at).toISOString(),
    environment: report.environment,
    agents: report.agents.map(agentView),
    usage: [...report.usage],
    figures: report.figures.map(({ since, ...figure }) => ({ ...figure, since: iso(since) })),
    findings: [...report.findings],
  };
}

function agentView({ name, does, problem, note, ...times }: AgentReport) {
  return {
    name,
    does,
    last_ran_at: iso(times.lastRanAt),
    next_at: iso(times.nextAt),
    problem,
    problem_since: iso(times.problemSince),
    note,
  };
}

/** Says which part, and nothing of why: it is for everybody. */
export function readyView(failing: readonly string[]): Response {
  return failing.length === 0
    ? Response.json({ status: "ok" })
    : Response.json({ status: "unavailable", failing }, { status: 503 });
}

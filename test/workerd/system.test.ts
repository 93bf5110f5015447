import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { ended, get, post } from "./api.ts";

interface Report {
  status: string;
  agents: {
    name: string;
    last_ran_at: string | null;
    problem: string | null;
    note: string | null;
  }[];
  usage: { name: string; used: number; limit: number }[];
  figures: { name: string; value: number }[];
  findings: { name: string; level: string }[];
}

async function report(): Promise<Report> {
  return (await get("/api/system/")).json();
}

it("the report names every agent, and nothing is wrong with those that run", async () => {
  const call = await post("/api/tasks/process_data/", { kwargs: { data: "x" } });
  const { task_id: id } = await call.json<{ task_id: string }>();
  await ended(id);
  await env.WATCHDOG.getByName("watchdog").round();
  await env.BEAT.getByName("beat").tick();
  const { status, agents, usage, figures } = await report();
  const names = agents.map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining(["cron", "watchdog", "relay", "beat", "duty outbox", "flusher 3"]),
  );
  expect(agents.filter(({ problem }) => problem !== null)).toEqual([]);
  const ran = agents.filter(({ last_ran_at: at }) => at !== null).map(({ name }) => name);
  expect(ran).toEqual(expect.arrayContaining(["cron", "beat", "duty history", "recoverer 0"]));
  expect(status).toBe("ok");
  expect(usage.find(({ name }) => name === "D1")?.used).toBeGreaterThan(0);
  expect(figures.map(({ name }) => name)).toContain("ledger 0: live tasks");
});

it("risky settings are findings, and don't make it a problem", async () => {
  const { status, findings } = await report();
  expect(findings).toContainEqual(expect.objectContaining({ name: "OPEN_ACCESS", level: "risk" }));
  expect(status).toBe("ok");
});

it("a paused queue is a finding until it is consumed again", async () => {
  await post("/api/control/cancel_consumer/", { queue: "emails" });
  expect((await report()).findings).toContainEqual(
    expect.objectContaining({ name: "queue emails", level: "problem" }),
  );
  await post("/api/control/add_consumer/", { queue: "emails" });
  expect((await report()).findings.map(({ name }) => name)).not.toContain("queue emails");
});

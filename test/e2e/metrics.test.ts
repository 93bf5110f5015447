import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { LocalServer } from "../../scripts/local-server.ts";
import { expressionsOf, metricsIn, MONITORING, readDashboard } from "../monitoring/dashboard.ts";
import { promtool, whyNoPromtool } from "../monitoring/promtool.ts";

const reason = whyNoPromtool();
if (reason !== null) console.warn(`The format of /metrics is not tested: ${reason}.`);

const state = mkdtempSync(join(tmpdir(), "lovage-metrics-"));
let server: LocalServer | null = null;
let metrics = "";

/** A deployment in which something of everything has happened. */
beforeAll(async () => {
  server = await LocalServer.start({ port: 9_110, config: "wrangler.toml", state });
  const { url } = server;
  await post(`${url}/api/control/rate_limit/`, { task: "process_data", rate_limit: "100/s" });
  await post(`${url}/api/schedules/`, {
    ...{ name: "ticker", task: "process_data", args: ["tick"] },
    interval: { every: 1, period: "seconds" },
  });
  for (const [id, totalAmount] of [150, 150.01].entries()) {
    await post(`${url}/api/create-order/`, {
      ...{ orderId: `m-${id}`, userId: 1, totalAmount },
      customerEmail: "customer@example.com",
    });
  }
  const wanted = ["lovage_dead_letters{", "lovage_beat_drift_seconds", "lovage_tasks_ended_total{"];
  await vi.waitFor(
    async () => {
      metrics = await (await fetch(`${url}/metrics`)).text();
      expect(wanted.filter((name) => !metrics.includes(name))).toEqual([]);
    },
    { timeout: 60_000, interval: 500 },
  );
});

afterAll(async () => {
  await server?.kill();
  rmSync(state, { recursive: true, force: true });
});

it.skipIf(reason !== null)("Prometheus finds nothing wrong with /metrics", () => {
  expect(promtool(["check", "metrics"], metrics)).toEqual({ status: 0, said: "" });
});

it("the dashboard asks for nothing that /metrics doesn't have", () => {
  expect(missing(expressionsOf(readDashboard()).join("\n"))).toEqual([]);
});

it("nor do the alert rules", () => {
  const rules = readFileSync(join(MONITORING, "alerts.yml"), "utf8");
  expect(missing(rules)).toEqual([]);
});

/** Names in a text that no sample has. */
function missing(text: string): string[] {
  const samples = metrics.split("\n").filter((line) => !line.startsWith("#"));
  const there = new Set(samples.map((line) => /^\w+/.exec(line)?.[0]));
  return [...metricsIn(text)].filter((name) => !there.has(name));
}

async function post(url: string, body: unknown): Promise<void> {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  expect(answer.ok, await answer.text()).toBe(true);
}

import type { ApiParts, Route } from "../route.ts";
import {
  deadLetterMetrics,
  limitMetrics,
  meterMetrics,
  queueMetrics,
} from "./deployment-metrics.ts";
import { Exposition } from "./exposition.ts";
import { recentMetrics, taskMetrics } from "./task-metrics.ts";

const RECENT_MS = 5 * 60_000;

/** What Prometheus scrapes. A scrape asks every shard four times, every limiter and Beat once, and D1 once. */
export function metricsRoutes(parts: ApiParts): Route[] {
  return [
    {
      method: "GET",
      path: "/metrics",
      scope: "monitor",
      rate: "read",
      doc: {
        summary: "Read metrics in Prometheus' text format",
        tag: "monitoring",
        answers: { 200: "Metrics in Prometheus' text format 0.0.4" },
      },
      handle: async () =>
        new Response((await exposition(parts)).toString(), {
          headers: { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" },
        }),
    },
  ];
}

async function exposition(parts: ApiParts): Promise<Exposition> {
  const { control, figures, meters, deadLetters, registry, clock } = parts;
  const now = clock.now();
  const [total, recent, queues, controls, dead, meter] = await Promise.all([
    figures.total(),
    figures.over(now - RECENT_MS, now),
    control.queues(),
    control.controls(),
    deadLetters.summary({}),
    meters.read(),
  ]);
  const out = new Exposition();
  taskMetrics(out, total);
  recentMetrics(
    out,
    recent.map((time) => time.figures),
  );
  queueMetrics(out, queues, controls.isShutDown, now);
  deadLetterMetrics(out, dead, now);
  limitMetrics(out, registry, controls, meter);
  meterMetrics(out, meter);
  return out;
}

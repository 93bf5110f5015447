import { endedOf, percentile, totalFigures, type Figures, type FiguresOfTime } from "#engine";
import {
  durationScale,
  linearScale,
  shareScale,
  type Series,
  type TimePlot,
} from "../plots/index.ts";
import { count, duration } from "../shell/index.ts";

/** What the tasks of one step of the time came to. */
export interface Step {
  /** Epoch ms. */
  readonly from: number;
  readonly minutes: number;
  readonly figures: Figures;
}

/** The times that an overview can be of. */
export const SPANS = {
  "1h": { label: "1 hour", ms: 3_600_000, stepMinutes: 1 },
  "24h": { label: "24 hours", ms: 86_400_000, stepMinutes: 10 },
  "7d": { label: "7 days", ms: 7 * 86_400_000, stepMinutes: 60 },
} as const;
export type Span = keyof typeof SPANS;

export function stepsOf(times: readonly FiguresOfTime[]): Step[] {
  return times.map(({ from, minutes, figures }) => ({
    from,
    minutes,
    figures: totalFigures(Object.values(figures)),
  }));
}

/** Of those that came to an end by themselves, how many succeeded; null: there are none. */
export function successShare({ succeeded, failed }: Figures): number | null {
  return succeeded + failed === 0 ? null : succeeded / (succeeded + failed);
}

export function percent(share: number | null): string {
  return share === null ? "–" : `${Number((share * 100).toFixed(share > 0.99 ? 2 : 1))} %`;
}

/** The plots of an overview, which share their steps. */
export function plotsOf(steps: readonly Step[]): TimePlot[] {
  const last = steps.at(-1);
  const [first] = steps;
  if (first === undefined || last === undefined) return [];
  const time = { from: first.from, until: last.from + last.minutes * 60_000 };
  return [
    { ...time, ...throughput(steps) },
    { ...time, ...successRate(steps) },
    { ...time, ...latency(steps, "runtime", "Run time") },
    { ...time, ...latency(steps, "wait", "Wait for a start") },
  ];
}

type Drawn = Omit<TimePlot, "from" | "until">;

function throughput(steps: readonly Step[]): Drawn {
  const perMinute = (of: (figures: Figures) => number) =>
    steps.map(({ figures, minutes }) => of(figures) / minutes);
  const most = Math.max(...perMinute(endedOf));
  return {
    id: "throughput",
    title: "Throughput",
    unit: "tasks that ended, per minute",
    kind: "bars",
    scale: linearScale(Math.max(most, 1), count),
    label: (value) => count(Math.round(value * 100) / 100),
    series: [
      { name: "succeeded", colour: "a", values: perMinute(({ succeeded }) => succeeded) },
      { name: "failed", colour: "b", values: perMinute(({ failed }) => failed) },
      {
        name: "revoked or ignored",
        colour: "d",
        values: perMinute(({ revoked, ignored }) => revoked + ignored),
      },
    ],
  };
}

function successRate(steps: readonly Step[]): Drawn {
  const values = steps.map(({ figures }) => successShare(figures));
  const least = Math.min(1, ...values.filter((value) => value !== null));
  return {
    id: "success",
    title: "Success rate",
    unit: "of those that succeeded or failed",
    kind: "lines",
    scale: shareScale(least),
    label: percent,
    series: [{ name: "succeeded", colour: "a", values }],
  };
}

const PERCENTILES = [
  { name: "p50", share: 0.5, colour: "c" },
  { name: "p95", share: 0.95, colour: "d" },
  { name: "p99", share: 0.99, colour: "b" },
] as const;

function latency(steps: readonly Step[], of: "runtime" | "wait", title: string): Drawn {
  const series: Series[] = PERCENTILES.map(({ name, share, colour }) => ({
    name,
    colour,
    values: steps.map(({ figures }) => percentile(figures[of], share)),
  }));
  const all = series.flatMap(({ values }) => values.filter((value) => value !== null));
  return {
    id: of,
    title,
    unit: of === "runtime" ? "of attempts, logarithmic" : "logarithmic",
    kind: "lines",
    scale: durationScale(Math.max(100, ...all)),
    label: duration,
    series,
  };
}

import type { Child } from "hono/jsx";
import { timeScale, type Scale } from "./scales.ts";

/** Inner units of a plot: it is as wide as what it stands in. */
const WIDTH = 460;
const HEIGHT = 190;
const LEFT = 48;
const RIGHT = 8;
const TOP = 10;
const BOTTOM = 24;
const INNER_WIDTH = WIDTH - LEFT - RIGHT;
const INNER_HEIGHT = HEIGHT - TOP - BOTTOM;

/** Which of the style's colours something has: good, bad, busy, worth a look. */
export type Colour = "a" | "b" | "c" | "d";

/** One line, or one part of bars, with a value for each step of the time. Null: there is none. */
export interface Series {
  readonly name: string;
  readonly colour: Colour;
  readonly values: readonly (number | null)[];
}

/** Values over a time, in steps of equal length. */
export interface TimePlot {
  readonly id: string;
  readonly title: string;
  /** Of what it shows, and how: stands beside the title. */
  readonly unit: string;
  /** Epoch ms; `until` is the end of the last step. */
  readonly from: number;
  readonly until: number;
  readonly series: readonly Series[];
  /** How many units a step's bar has all together, or where a line is. */
  readonly scale: Scale;
  readonly kind: "bars" | "lines";
  readonly label: (value: number) => string;
}

/**
 * A plot that the server draws: axes, grid, legend; a step's values on hovering. For those who can't see it the
 * numbers belong into a table beside it.
 */
export function Plot({ plot }: { plot: TimePlot }) {
  const { id, title, unit, from, until, series, scale, kind } = plot;
  const times = timeScale(from, until);
  return (
    <section class="card plot-card" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>
        {title} <small class="quiet">{unit}</small>
      </h2>
      <svg class="plot" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={summaryOf(plot)}>
        {scale.ticks.map(({ at, label }) => (
          <Mark y={TOP + INNER_HEIGHT * (1 - scale.place(at))} label={label} />
        ))}
        {times.ticks.map(({ at, label }) => (
          <text x={round(xOf(times, at))} y={HEIGHT - 6} text-anchor="middle">
            {label}
          </text>
        ))}
        {kind === "bars" ? (
          <Bars plot={plot} />
        ) : (
          series.map((one) => <Line plot={plot} one={one} />)
        )}
        <Readings plot={plot} />
      </svg>
      <p class="legend" aria-hidden="true">
        {series.map(({ name, colour }) => (
          <span class={`key area-${colour}`}>{name}</span>
        ))}
      </p>
    </section>
  );
}

function Mark({ y, label }: { y: number; label: string }) {
  return (
    <>
      <line class="grid-line" x1={LEFT} x2={WIDTH - RIGHT} y1={round(y)} y2={round(y)} />
      <text x={LEFT - 6} y={round(y + 4)} text-anchor="end">
        {label}
      </text>
    </>
  );
}

/** The parts of each step on top of each other. */
function Bars({ plot: { series, scale } }: { plot: TimePlot }) {
  const steps = series[0]?.values.length ?? 0;
  const width = INNER_WIDTH / Math.max(1, steps);
  const gap = width > 4 ? 1 : 0.25;
  const bars: Child[] = [];
  for (let step = 0; step < steps; step += 1) {
    let below = 0;
    for (const { values, colour } of series) {
      const value = values[step] ?? 0;
      if (value <= 0) continue;
      const y = TOP + INNER_HEIGHT * (1 - scale.place(below + value));
      const bottom = TOP + INNER_HEIGHT * (1 - scale.place(below));
      below += value;
      bars.push(
        <rect
          class={`area-${colour}`}
          x={round(LEFT + step * width)}
          width={round(width - gap)}
          y={round(y)}
          height={round(Math.max(0.75, bottom - y))}
        />,
      );
    }
  }
  return <>{bars}</>;
}

/** Broken where there is no value; a value between two gaps is a dot. */
function Line({ plot: { series, scale }, one }: { plot: TimePlot; one: Series }) {
  const steps = series[0]?.values.length ?? 0;
  const width = INNER_WIDTH / Math.max(1, steps);
  const y = (value: number) => round(TOP + INNER_HEIGHT * (1 - scale.place(value)));
  const x = (step: number) => round(LEFT + (step + 0.5) * width);
  const { values, colour } = one;
  let path = "";
  const dots: Child[] = [];
  for (const [step, value] of values.entries()) {
    if (value === null) continue;
    const hasBefore = (values[step - 1] ?? null) !== null;
    const hasAfter = (values[step + 1] ?? null) !== null;
    if (hasBefore || hasAfter) path += `${hasBefore ? "L" : "M"}${x(step)} ${y(value)}`;
    else dots.push(<circle class={`area-${colour}`} cx={x(step)} cy={y(value)} r="2.2" />);
  }
  return (
    <>
      {path === "" ? null : <path class={`line line-${colour}`} d={path} />}
      {dots}
    </>
  );
}

/** What a pointer over a step reads. */
function Readings({ plot: { series, from, until, label } }: { plot: TimePlot }) {
  const steps = series[0]?.values.length ?? 0;
  const width = INNER_WIDTH / Math.max(1, steps);
  const readings: Child[] = [];
  for (let step = 0; step < steps; step += 1) {
    const known = series.flatMap(({ name, values }) => {
      const value = values[step] ?? null;
      return value === null || value === 0 ? [] : [`${name} ${label(value)}`];
    });
    if (known.length === 0) continue;
    const at = new Date(from + ((until - from) * step) / steps).toISOString();
    readings.push(
      <rect
        class="reading"
        x={round(LEFT + step * width)}
        width={round(width)}
        y={TOP}
        height={INNER_HEIGHT}
      >
        <title>{`${at.slice(5, 10)} ${at.slice(11, 16)} UTC: ${known.join(", ")}`}</title>
      </rect>,
    );
  }
  return <>{readings}</>;
}

/** The plot in a sentence. */
function summaryOf({ title, unit, series, label }: TimePlot): string {
  const parts = series.map(({ name, values }) => {
    const known = values.filter((value) => value !== null);
    if (known.length === 0) return `${name}: nothing`;
    const last = known.at(-1) ?? 0;
    return `${name}: at most ${label(Math.max(...known))}, last ${label(last)}`;
  });
  return `${title}, ${unit}. ${parts.join("; ")}.`;
}

function xOf(times: Scale, at: number): number {
  return LEFT + INNER_WIDTH * times.place(at);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

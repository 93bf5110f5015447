import { duration } from "../shell/index.ts";

/** A mark on an axis. */
export interface Tick {
  readonly at: number;
  readonly label: string;
}

/** Turns values into places on an axis. */
export interface Scale {
  readonly ticks: readonly Tick[];
  /** 0 … 1 from the axis's beginning; what lies beyond an end is put there. */
  readonly place: (value: number) => number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** From zero on, with three to five round marks. */
export function linearScale(max: number, label: (value: number) => string): Scale {
  const step = roundUp(Math.max(max, Number.EPSILON) / 4);
  const top = Math.max(step, Math.ceil(max / step - 1e-9) * step);
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, index) => {
    const at = Number((index * step).toPrecision(6));
    return { at, label: label(at) };
  });
  return { ticks, place: (value) => clamp(value / top) };
}

/** The next of 1, 2, 2.5, 5 and 10, times a power of ten. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const factor = [1, 2, 2.5, 5, 10].find((one) => value <= one * power * (1 + 1e-9)) ?? 10;
  return factor * power;
}

const BOTTOMS = [0.999, 0.99, 0.95, 0.9, 0.8, 0.5, 0];

/** Shares up to all, from below the least on, so that small losses are seen. */
export function shareScale(least: number): Scale {
  const bottom = BOTTOMS.find((one) => one < least) ?? 0;
  const ticks = [0, 0.5, 1].map((part) => {
    const at = bottom + (1 - bottom) * part;
    return { at, label: `${Number((at * 100).toFixed(2))} %` };
  });
  return { ticks, place: (value) => clamp((value - bottom) / (1 - bottom)) };
}

const ROUND_DURATIONS = [1, 10, 100, 1_000, 10_000, MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY];

/** Durations in ms by their magnitude: what takes milliseconds and what takes minutes are both to be seen. */
export function durationScale(max: number): Scale {
  const end = ROUND_DURATIONS.findIndex((one) => one >= max);
  const shown = ROUND_DURATIONS.slice(0, end < 0 ? undefined : Math.max(end, 2) + 1);
  const top = Math.log10(Math.max(max, shown.at(-1) ?? DAY));
  return {
    ticks: shown.map((at) => ({ at, label: shortDuration(at) })),
    place: (value) => clamp(Math.log10(Math.max(1, value)) / top),
  };
}

function shortDuration(ms: number): string {
  if (ms < 1_000) return `${ms} ms`;
  if (ms < MINUTE) return `${ms / 1_000} s`;
  return ms < HOUR ? `${ms / MINUTE} min` : `${ms / HOUR} h`;
}

/** Times of day in UTC, or days where it is more than two of them. */
export function timeScale(from: number, until: number): Scale {
  const span = until - from;
  const steps = [10 * MINUTE, HOUR, 4 * HOUR, DAY, 7 * DAY];
  const step = steps.find((one) => span / one <= 7.5) ?? 7 * DAY;
  const first = Math.ceil(from / step) * step;
  const ticks: Tick[] = [];
  for (let at = first; at <= until; at += step) {
    const iso = new Date(at).toISOString();
    ticks.push({ at, label: step >= DAY ? iso.slice(5, 10) : iso.slice(11, 16) });
  }
  return { ticks, place: (value) => clamp((value - from) / span) };
}

const LENGTHS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000],
  ...[MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, DAY],
];

/** The time since a beginning, from zero on to its very end. */
export function elapsedScale(ms: number): Scale {
  const span = Math.max(1, ms);
  const step = LENGTHS.find((one) => span / one <= 6) ?? roundUp(span / 6 / DAY) * DAY;
  const ticks: Tick[] = [];
  for (let at = 0; at <= span; at += step) {
    ticks.push({ at, label: at === 0 ? "0" : exact(at) });
  }
  return { ticks, place: (value) => clamp(value / span) };
}

function exact(ms: number): string {
  const isShort = ms < MINUTE || (ms < HOUR && ms % MINUTE === 0) || (ms < DAY && ms % HOUR === 0);
  return isShort ? shortDuration(ms) : duration(ms);
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}

/*
 * Wall clocks. A wall time is written as the epoch ms that it would be in UTC; a zone says which instants
 * show it: one, none (clocks go forward) or two (they go back).
 */

const HOUR = 3_600_000;

/** Making one is slow. */
const formats = new Map<string, Intl.DateTimeFormat>();

export function isZone(zone: string): boolean {
  try {
    offsetAt(zone, 0);
    return true;
  } catch {
    return false;
  }
}

/** Offsets that were looked up: by zone, and by the quarter of an hour. */
const known = new Map<string, Map<number, number>>();
const MAX_KNOWN = 20_000;
const QUARTER = 900_000;
/** From then on no zone changes its clocks within a quarter of an hour: 2012-01-01. */
const QUARTERS_SINCE = 1_325_376_000_000;

/** What a zone's clocks are ahead of UTC at an instant, ms. */
export function offsetAt(zone: string, instant: number): number {
  if (zone === "UTC") return 0;
  if (instant < QUARTERS_SINCE) return lookUp(zone, instant);
  const quarter = Math.floor(instant / QUARTER);
  const offsets = known.get(zone) ?? new Map<number, number>();
  known.set(zone, offsets);
  let offset = offsets.get(quarter);
  if (offset === undefined) {
    offset = lookUp(zone, quarter * QUARTER);
    if (offsets.size >= MAX_KNOWN) offsets.clear();
    offsets.set(quarter, offset);
  }
  return offset;
}

function lookUp(zone: string, instant: number): number {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset" });
    formats.set(zone, format);
  }
  const name = format.formatToParts(instant).find(({ type }) => type === "timeZoneName")?.value;
  const [, sign, hours = "0", minutes = "0", seconds = "0"] =
    /^GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(name ?? "") ?? [];
  const ms = (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1_000;
  return sign === "-" ? -ms : ms;
}

/** What a zone's clocks show at an instant. */
export function wallAt(zone: string, instant: number): number {
  return instant + offsetAt(zone, instant);
}

/**
 * The instant at which a zone's clocks show a time: the first of two; of one that is skipped, the moment at
 * which they are put forward.
 */
export function instantOf(zone: string, wall: number): number {
  const before = offsetAt(zone, wall - 24 * HOUR);
  const after = offsetAt(zone, wall + 24 * HOUR);
  const shown = [wall - before, wall - after].filter((at) => wallAt(zone, at) === wall);
  if (shown.length > 0) return Math.min(...shown);
  return changeBetween(zone, wall - 24 * HOUR - before, wall + 24 * HOUR - after);
}

/** The first instant with another offset than at `from`; `to` if there is none before. */
export function changeBetween(zone: string, from: number, to: number): number {
  const offset = offsetAt(zone, from);
  let [low, high] = [from, to];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(zone, middle) === offset) low = middle;
    else high = middle;
  }
  return high;
}

/** A straight line through points, by least squares. */
export interface Line {
  /** Per unit of x; 0 for fewer than three points. */
  readonly slope: number;
  /** How much of the scatter the line explains, 0 to 1. */
  readonly fit: number;
}

export function lineThrough(points: readonly (readonly [x: number, y: number])[]): Line {
  return commonLine([points]);
}

/** The slope that several pieces have in common, each at a height of its own (what a restart resets). */
export function commonLine(pieces: readonly (readonly (readonly [number, number])[])[]): Line {
  let xx = 0;
  let xy = 0;
  let yy = 0;
  for (const points of pieces) {
    if (points.length < 3) continue;
    const meanX = mean(points.map(([x]) => x));
    const meanY = mean(points.map(([, y]) => y));
    for (const [x, y] of points) {
      xx += (x - meanX) ** 2;
      xy += (x - meanX) * (y - meanY);
      yy += (y - meanY) ** 2;
    }
  }
  if (xx === 0) return { slope: 0, fit: 0 };
  return { slope: xy / xx, fit: yy === 0 ? 1 : xy ** 2 / (xx * yy) };
}

export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The value below which this share of the values is; 0 when there are none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

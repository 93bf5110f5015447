import { wallAt } from "#engine";
import { dateOf } from "./period.ts";

const HOUR = 3_600_000;
/** Every zone's hours begin and end with one. */
const QUARTER = HOUR / 4;

/** When requests came: counted by quarters of an hour, told by the days and hours of a zone. */
export class Times {
  readonly #quarters = new Map<number, number>();

  add(at: number): void {
    const quarter = Math.floor(at / QUARTER);
    this.#quarters.set(quarter, (this.#quarters.get(quarter) ?? 0) + 1);
  }

  /** Requests of each of these dates. */
  byDay(zone: string, dates: readonly string[]): Record<string, number> {
    return this.#by(dates, (at) => dateOf(wallAt(zone, at)));
  }

  /** Requests of `00:00` to `23:00`, all days together. */
  byHour(zone: string): Record<string, number> {
    const hours = Array.from({ length: 24 }, (_, hour) => nameOf(hour * HOUR));
    return this.#by(hours, (at) => nameOf(wallAt(zone, at)));
  }

  /** The hour of the zone's clocks with the most requests, the first of several; null: there were none. */
  busiestHour(zone: string): { start: number; requests: number } | null {
    const hours = new Map<number, number>();
    for (const [quarter, requests] of this.#quarters) {
      const at = quarter * QUARTER;
      const start = at - (wallAt(zone, at) % HOUR);
      hours.set(start, (hours.get(start) ?? 0) + requests);
    }
    const [busiest] = [...hours].sort(([a, left], [b, right]) => right - left || a - b);
    return busiest === undefined ? null : { start: busiest[0], requests: busiest[1] };
  }

  #by(names: readonly string[], nameAt: (at: number) => string): Record<string, number> {
    const counts = new Map(names.map((name) => [name, 0]));
    for (const [quarter, requests] of this.#quarters) {
      const name = nameAt(quarter * QUARTER);
      counts.set(name, (counts.get(name) ?? 0) + requests);
    }
    return Object.fromEntries(counts);
  }
}

/** Of a wall time, its hour as `09:00`. */
function nameOf(wall: number): string {
  return `${new Date(wall).toISOString().slice(11, 13)}:00`;
}

import type { LogEntry } from "./log-entry.ts";

/**
 * Counts requests exactly, in memory that doesn't grow with them: durations are counted by whole
 * milliseconds, so percentiles are exact too.
 */
export class Tally {
  requests = 0;
  /** Statuses 400 to 499, and from 500 on: the failed ones. */
  clientErrors = 0;
  serverErrors = 0;
  #totalMs = 0;
  readonly #durations = new Map<number, number>();

  add(status: number, durationMs: number): void {
    this.requests += 1;
    if (status >= 500) this.serverErrors += 1;
    else if (status >= 400) this.clientErrors += 1;
    this.#totalMs += durationMs;
    this.#durations.set(durationMs, (this.#durations.get(durationMs) ?? 0) + 1);
  }

  merge(other: Tally): void {
    this.requests += other.requests;
    this.clientErrors += other.clientErrors;
    this.serverErrors += other.serverErrors;
    this.#totalMs += other.#totalMs;
    for (const [ms, count] of other.#durations) {
      this.#durations.set(ms, (this.#durations.get(ms) ?? 0) + count);
    }
  }

  get failed(): number {
    return this.clientErrors + this.serverErrors;
  }

  /** Whole ms; 0 without requests. */
  get averageMs(): number {
    return this.requests === 0 ? 0 : Math.round(this.#totalMs / this.requests);
  }

  /**
   * The shortest durations that so many percent of the requests don't exceed (nearest rank), ms; 0 without
   * requests.
   */
  percentiles<const Percents extends readonly number[]>(
    percents: Percents,
  ): { readonly [Index in keyof Percents]: number } {
    const ascending = [...this.#durations].sort(([a], [b]) => a - b);
    return percents.map((percent) => {
      const rank = Math.max(1, Math.ceil((percent * this.requests) / 100));
      let seen = 0;
      return ascending.find(([, count]) => (seen += count) >= rank)?.[0] ?? 0;
    }) as { [Index in keyof Percents]: number };
  }
}

/** Requests by route, and what each of their users made. */
export class RouteTallies {
  readonly byRoute = new Map<string, Tally>();
  /** Requests by user. */
  readonly users = new Map<string, number>();

  add([, , route, status, durationMs, user]: LogEntry): void {
    let tally = this.byRoute.get(route);
    if (tally === undefined) {
      tally = new Tally();
      this.byRoute.set(route, tally);
    }
    tally.add(status, durationMs);
    if (user !== null) this.users.set(user, (this.users.get(user) ?? 0) + 1);
  }

  /** All of them together. */
  total(): Tally {
    const total = new Tally();
    for (const tally of this.byRoute.values()) total.merge(tally);
    return total;
  }

  /** The routes with the most requests first; those with as many by name. */
  routes(): [route: string, tally: Tally][] {
    return [...this.byRoute].sort(
      ([a, { requests: left }], [b, { requests: right }]) => right - left || compare(a, b),
    );
  }

  /** The users with the most requests first; those with as many by name. */
  topUsers(count: number): [user: string, requests: number][] {
    return [...this.users]
      .sort(([a, left], [b, right]) => right - left || compare(a, b))
      .slice(0, count);
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** `part` of `whole` as `91.0%`; of nothing it is `0.0%`. */
export function percentOf(part: number, whole: number): string {
  return `${(whole === 0 ? 0 : Math.round((part * 1_000) / whole) / 10).toFixed(1)}%`;
}

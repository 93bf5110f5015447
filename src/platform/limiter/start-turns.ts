import { spacingMs, type Rate } from "#engine";
import type { Wait } from "./protocol.ts";
import { HORIZON_MS } from "./start-chains.ts";

/** A shard asks this long before the next start that it may get. */
const LEAD_MS = 250;
/** Who was told when to ask again and has not by so much later has no turn any more. */
const GRACE_MS = 2_000;
const SWEEP_EVERY_MS = 60_000;

interface Turn {
  /** Its number among all that there were. */
  readonly number: number;
  readonly until: number;
}

/**
 * The shards that were told when to ask again for a start, for each resource (a key, or all calls) in the order in
 * which they came: each is left a start, or those that ask fastest would get all. In memory only. Times are epoch ms.
 */
export class StartTurns {
  readonly #waiting = new Map<string, Map<number, Turn>>();
  #last = 0;
  #sweptAt = 0;

  /** How many others are to have a start before this shard. */
  #before(shard: number, resource: string, now: number): number {
    const waiting = this.#waiting.get(resource);
    const own = waiting?.get(shard)?.number ?? Infinity;
    let count = 0;
    for (const [other, { number, until }] of waiting ?? []) {
      if (other !== shard && number < own && now <= until) count += 1;
    }
    return count;
  }

  /**
   * Whether a rate allows a start, and one for each of the shards whose turn is before; if not, when to ask again.
   * @param nextAt the earliest time of the next start
   */
  waitFor(
    shard: number,
    resource: string,
    rate: Rate | null,
    nextAt: number,
    now: number,
  ): Wait | null {
    if (rate === null) return null;
    const before = this.#before(shard, resource, now);
    const at = Math.max(now, nextAt);
    const spacing = spacingMs(rate);
    if (at + before * spacing <= now + HORIZON_MS) return null;
    // Those before it may not come.
    const askAt = at + before * Math.min(spacing, GRACE_MS + 1) - LEAD_MS;
    return { resource, retryAt: Math.max(now + 1, Math.ceil(askAt)) };
  }

  /** It is told when to ask again. */
  wait(shard: number, resource: string, retryAt: number, now: number): void {
    let waiting = this.#waiting.get(resource);
    if (waiting === undefined) this.#waiting.set(resource, (waiting = new Map()));
    const number = waiting.get(shard)?.number ?? (this.#last += 1);
    waiting.set(shard, { number, until: retryAt + GRACE_MS });
    if (now - this.#sweptAt >= SWEEP_EVERY_MS) this.#sweep(now);
  }

  /** It was granted a start: for the next one it comes after all who wait. */
  served(shard: number, resource: string, now: number): void {
    const waiting = this.#waiting.get(resource);
    waiting?.set(shard, { number: (this.#last += 1), until: now });
  }

  /** It does not want a start any more. */
  leave(shard: number, resource: string): void {
    const waiting = this.#waiting.get(resource);
    waiting?.delete(shard);
    if (waiting?.size === 0) this.#waiting.delete(resource);
  }

  /** What they were told holds no longer. */
  clear(): void {
    this.#waiting.clear();
  }

  /** There are as many resources as keys. */
  #sweep(now: number): void {
    this.#sweptAt = now;
    for (const [resource, waiting] of this.#waiting) {
      for (const [shard, { until }] of waiting) if (until < now) this.leave(shard, resource);
    }
  }
}

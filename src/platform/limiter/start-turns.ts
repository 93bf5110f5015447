import { spacingMs, type Rate } from "#engine";
import { REMEMBERS_MS } from "../idle.ts";
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
  /** Infinity: it was told before this object was; it comes for the next start. */
  until: number;
}

/**
 * The shards that were told when to ask again for a start, for each resource (a key, or all calls) in the order in
 * which they came: each is left a start, or those that ask fastest would get all. Their order is in the row of the
 * chain, where it has one. Times are epoch ms.
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
   * @param from the earliest start that is of use
   * @param nextAt the earliest time of the next start
   */
  waitFor(
    shard: number,
    resource: string,
    rate: Rate | null,
    { from, nextAt }: { readonly from: number; readonly nextAt: number },
    now: number,
  ): Wait | null {
    if (rate === null) return null;
    for (const turn of this.#waiting.get(resource)?.values() ?? []) {
      if (turn.until === Infinity) turn.until = nextAt + GRACE_MS;
    }
    const before = this.#before(shard, resource, now);
    const at = Math.max(from, nextAt);
    const spacing = spacingMs(rate);
    if (at + before * spacing <= now + HORIZON_MS) return null;
    // Those before it may not come.
    const askAt = at + before * Math.min(spacing, GRACE_MS + 1) - LEAD_MS;
    return { resource, retryAt: Math.max(now + 1, Math.ceil(askAt)) };
  }

  /** It is told when to ask again. @returns whether that is to be written down: it is new, and may be forgotten by then */
  wait(shard: number, resource: string, retryAt: number, now: number): boolean {
    const waiting = this.#at(resource);
    const own = waiting.get(shard);
    waiting.set(shard, { number: own?.number ?? this.#next(), until: retryAt + GRACE_MS });
    if (now - this.#sweptAt >= SWEEP_EVERY_MS) this.#sweep(now);
    return own === undefined && retryAt - now > REMEMBERS_MS;
  }

  /** These were told when to ask again, before this object was. */
  recall(resource: string, shards: readonly number[]): void {
    for (const shard of shards) {
      this.#at(resource).set(shard, { number: this.#next(), until: Infinity });
    }
  }

  /** The shards that wait for a start, in the order of their turns. */
  of(resource: string, now: number): number[] {
    return [...(this.#waiting.get(resource) ?? [])]
      .filter(([, { until }]) => now <= until)
      .sort(([, a], [, b]) => a.number - b.number)
      .map(([shard]) => shard);
  }

  /** It was granted a start: for the next one it comes after all who wait. */
  served(shard: number, resource: string, now: number): void {
    const waiting = this.#waiting.get(resource);
    waiting?.set(shard, { number: this.#next(), until: now });
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

  #at(resource: string): Map<number, Turn> {
    let waiting = this.#waiting.get(resource);
    if (waiting === undefined) this.#waiting.set(resource, (waiting = new Map()));
    return waiting;
  }

  #next(): number {
    this.#last += 1;
    return this.#last;
  }

  /** There are as many resources as keys. */
  #sweep(now: number): void {
    this.#sweptAt = now;
    for (const [resource, waiting] of this.#waiting) {
      for (const [shard, { until }] of waiting) if (until < now) this.leave(shard, resource);
    }
  }
}

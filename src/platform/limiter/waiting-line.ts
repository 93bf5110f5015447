/** A shard that was not heard of for this long has no claim any more. */
const WAIT_EXPIRY_MS = 45_000;

interface Waiter {
  readonly since: number;
  askedAt: number;
}

/**
 * The shards that wait for a place, for each resource (a key, or all calls) in the order in which they
 * came. In memory only: after a restart they come again by themselves. Times are epoch ms.
 */
export class WaitingLine {
  readonly #waiting = new Map<string, Map<number, Waiter>>();

  /** A shard is heard of. Those that were silent for long are forgotten. */
  heard(shard: number, now: number): void {
    for (const [resource, waiting] of this.#waiting) {
      const entry = waiting.get(shard);
      if (entry !== undefined) entry.askedAt = now;
      for (const [other, { askedAt }] of waiting) {
        if (askedAt < now - WAIT_EXPIRY_MS) waiting.delete(other);
      }
      if (waiting.size === 0) this.#waiting.delete(resource);
    }
  }

  /** Who was served goes to the end of the line, and waits where it is blocked still, and there alone. */
  waitFor(
    shard: number,
    served: ReadonlySet<string>,
    blocked: ReadonlySet<string>,
    now: number,
  ): void {
    for (const [resource, waiting] of this.#waiting) {
      if (served.has(resource) || !blocked.has(resource)) waiting.delete(shard);
      if (waiting.size === 0) this.#waiting.delete(resource);
    }
    for (const resource of blocked) {
      let waiting = this.#waiting.get(resource);
      if (waiting === undefined) this.#waiting.set(resource, (waiting = new Map()));
      const since = waiting.get(shard)?.since ?? now;
      waiting.set(shard, { since, askedAt: now });
    }
  }

  /** How many others wait for a resource that came before this shard. */
  before(shard: number, resource: string): number {
    const waiting = this.#waiting.get(resource);
    const own = waiting?.get(shard)?.since ?? Infinity;
    let count = 0;
    for (const [other, { since }] of waiting ?? []) {
      if (other !== shard && since < own) count += 1;
    }
    return count;
  }

  /** Everybody who waits for anything. */
  shards(): Set<number> {
    return new Set([...this.#waiting.values()].flatMap((waiting) => [...waiting.keys()]));
  }
}

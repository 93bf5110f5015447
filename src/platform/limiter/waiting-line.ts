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

  /**
   * A shard speaks of resources. Those who were silent of one for long are forgotten.
   * @returns the resources whose lines became shorter
   */
  heard(shard: number, resources: ReadonlySet<string>, now: number): Set<string> {
    const shortened = new Set<string>();
    for (const [resource, waiting] of this.#waiting) {
      const entry = waiting.get(shard);
      if (entry !== undefined && resources.has(resource)) entry.askedAt = now;
      for (const [other, { askedAt }] of waiting) {
        if (askedAt >= now - WAIT_EXPIRY_MS) continue;
        this.leave(other, resource);
        shortened.add(resource);
      }
    }
    return shortened;
  }

  /** It waits for a resource. Who was served goes to the end of the line. */
  join(shard: number, resource: string, isServed: boolean, now: number): void {
    let waiting = this.#waiting.get(resource);
    if (waiting === undefined) this.#waiting.set(resource, (waiting = new Map()));
    const since = (isServed ? undefined : waiting.get(shard)?.since) ?? now;
    waiting.set(shard, { since, askedAt: now });
  }

  /** It does not wait for a resource any more. @returns whether it did */
  leave(shard: number, resource: string): boolean {
    const waiting = this.#waiting.get(resource);
    const didWait = waiting?.delete(shard) ?? false;
    if (waiting?.size === 0) this.#waiting.delete(resource);
    return didWait;
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

  /** Those who wait for a resource. */
  at(resource: string): Iterable<number> {
    return this.#waiting.get(resource)?.keys() ?? [];
  }

  /** Everybody who waits for anything. */
  shards(): Set<number> {
    return new Set([...this.#waiting.values()].flatMap((waiting) => [...waiting.keys()]));
  }
}

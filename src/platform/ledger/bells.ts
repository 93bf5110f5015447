/** A bell may be lost; after this it no longer counts. */
const BELL_EXPIRY_MS = 15_000;

/**
 * The doorbells of one ledger that rang and were not answered yet, per queue. In memory only: after a
 * restart there may be a bell too many, which finds nothing to do.
 */
export class Doorbells {
  readonly #rung = new Map<string, number[]>();

  /** Whether `wanted` consumers are more than the bells under way will bring. */
  needsMore(queue: string, wanted: number, now: number): boolean {
    const live = (this.#rung.get(queue) ?? []).filter((at) => at > now - BELL_EXPIRY_MS);
    this.#rung.set(queue, live);
    return live.length < wanted;
  }

  rang(queue: string, now: number): void {
    this.#rung.get(queue)?.push(now);
  }

  /** A consumer came for this many bells, or they could not be rung. */
  answered(queue: string, count: number): void {
    this.#rung.get(queue)?.splice(0, count);
  }
}

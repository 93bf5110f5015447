/** A task that takes less waits for nothing, or not for long. */
const QUICK_MS = 10;

/** What runs in a consumer; `isBatched`: with others, in one call of their handler. */
interface Runs {
  readonly isBatched: boolean;
  /** Epoch ms. */
  readonly startedAt: number;
}

/**
 * Of which queues consumers run many tasks at a time: those whose tasks ended at once, or in batches, when some last
 * ran here. Kept for as long as the isolate lives; a queue that is not known yet is none of them.
 */
export class Widths {
  readonly #wide = new Set<string>();

  isWide(queue: string): boolean {
    return this.#wide.has(queue);
  }

  /**
   * Expects of the next tasks of a queue what those did that ended since it was last called, or still run.
   * @param longestMs what the longest of those took that ended, in a batch: 0; null: none ended
   */
  learn(queue: string, running: Iterable<Runs>, longestMs: number | null, now: number): void {
    // They are in the order in which they started.
    let oldest: Runs | null = null;
    for (const each of running) {
      if (each.isBatched) continue;
      oldest = each;
      break;
    }
    const isLong = oldest !== null && now - oldest.startedAt >= QUICK_MS;
    if (isLong || (longestMs !== null && longestMs >= QUICK_MS)) this.#wide.delete(queue);
    // What has hardly begun tells nothing yet.
    else if (oldest === null && longestMs !== null) this.#wide.add(queue);
  }
}

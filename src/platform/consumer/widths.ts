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
   * @param longestMs of those that ended by themselves; null: none did, nor in a batch
   */
  learn(queue: string, running: Iterable<Runs>, longestMs: number | null, now: number): void {
    let [isSlow, isOpen] = [(longestMs ?? 0) >= QUICK_MS, false];
    for (const { isBatched, startedAt } of running) {
      if (isBatched) continue;
      // They are in the order in which they started.
      isSlow ||= now - startedAt >= QUICK_MS;
      isOpen = true;
      break;
    }
    if (isSlow) this.#wide.delete(queue);
    // What has hardly begun tells nothing yet.
    else if (!isOpen && longestMs !== null) this.#wide.add(queue);
  }
}

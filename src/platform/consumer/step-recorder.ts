import type { StepEntry } from "#engine";
import type { StepDoor } from "./door.ts";

/** Entries of one call, and the JSON of their results in characters; a call has one entry, however large. */
const MAX_ENTRIES = 500;
const MAX_CHARACTERS = 4 * 1_024 * 1_024;

interface Waiting {
  readonly entry: StepEntry;
  readonly resolve: (isHeld: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Carries what the attempts of one consumer record to the ledger: what comes in one turn is one call, so
 * that handlers side by side cost one request and one transaction.
 */
export class StepRecorder {
  readonly #door: Pick<StepDoor, "recordSteps">;
  #waiting: Waiting[] = [];

  constructor(door: Pick<StepDoor, "recordSteps">) {
    this.#door = door;
  }

  /** @returns false: the task does not run under this token any more, and nothing was recorded */
  record(entry: StepEntry): Promise<boolean> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) queueMicrotask(() => this.#flush());
      this.#waiting.push({ entry, resolve, reject });
    });
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    let size = 0;
    let from = 0;
    for (const [index, { entry }] of waiting.entries()) {
      const own = entry.step.result?.length ?? 0;
      if (index > from && (index - from >= MAX_ENTRIES || size + own > MAX_CHARACTERS)) {
        void this.#send(waiting.slice(from, index));
        from = index;
        size = 0;
      }
      size += own;
    }
    void this.#send(waiting.slice(from));
  }

  async #send(waiting: readonly Waiting[]): Promise<void> {
    try {
      const held = await this.#door.recordSteps(waiting.map(({ entry }) => entry));
      for (const [index, { resolve }] of waiting.entries()) resolve(held[index] === true);
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  }
}

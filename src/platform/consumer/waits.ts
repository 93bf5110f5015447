import { Suspend, type StepRecord, type Timers } from "#engine";
import type { StepBook } from "./step-book.ts";
import { forever } from "./step-values.ts";

/**
 * A handler that has got a result since it came to the last wait may be at work between its steps (the wait
 * lost a race), or have nothing to do: it is given this long to come to its next step.
 */
const BETWEEN_STEPS_MS = 10_000;

/** What the handler of one run waits for. The run is suspended when nothing else of it goes on. */
export class Waits {
  readonly #parts: {
    readonly timers: Timers;
    readonly end: (reason: Error) => void;
    readonly isOver: () => boolean;
  };
  readonly #book: StepBook;
  readonly #waits: StepRecord[] = [];
  #inProgress = 0;
  /** The handler got a result after it came to the last wait. */
  #hasGoneOn = false;
  #cancel: () => void = () => undefined;

  constructor(
    parts: {
      readonly timers: Timers;
      readonly end: (reason: Error) => void;
      readonly isOver: () => boolean;
    },
    book: StepBook,
  ) {
    this.#parts = parts;
    this.#book = book;
  }

  /** Suspends the run until this is over. Never comes back: the handler goes on in another run. */
  add(wait: StepRecord): Promise<never> {
    this.#waits.push(wait);
    this.#hasGoneOn = false;
    this.#suspendSoon();
    return forever();
  }

  /** Something is in progress, until the answer is called: the run is not suspended. */
  hold(): () => void {
    this.#inProgress += 1;
    return () => {
      this.#inProgress -= 1;
      this.#suspendSoon();
    };
  }

  /** The handler gets a result. */
  goOn(): void {
    this.#hasGoneOn = true;
  }

  /** After all that goes on by itself has gone on: a step that just ended may be followed by another. */
  #suspendSoon(): void {
    if (this.#waits.length === 0) return;
    this.#cancel();
    this.#cancel = this.#parts.timers.after(this.#hasGoneOn ? BETWEEN_STEPS_MS : 0, () => {
      if (this.#inProgress === 0 && !this.#parts.isOver()) void this.#suspend();
    });
  }

  async #suspend(): Promise<void> {
    const waits = this.#waits.splice(0).toSorted((a, b) => b.index - a.index);
    const times = waits.flatMap(({ until }) => until ?? []);
    const wakeAt = times.length === 0 ? null : Math.min(...times);
    const events = waits.filter(({ kind }) => kind === "event").map(({ name }) => name);
    // What is waited for longest stands at the end: readers are told of it.
    const sorted = waits.toSorted((a, b) => (b.until ?? Infinity) - (a.until ?? Infinity));
    const steps = await this.#book.withSleepsOf(sorted);
    this.#parts.end(new Suspend({ kind: "suspend", wakeAt, events, steps }));
  }
}

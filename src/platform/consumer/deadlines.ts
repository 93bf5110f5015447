import type { Clock, Timers } from "#engine";

/** Something with time limits: see RunningTask. */
interface Limited {
  /** When its next limit passes, epoch ms. */
  readonly deadline: number;
  applyLimits(now: number): void;
}

/** Applies the time limits of running tasks: one timer for all, set to the first limit that will pass. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #running: () => Iterable<Limited>;
  #timer: { readonly at: number; readonly cancel: () => void } | null = null;

  constructor(clock: Clock, timers: Timers, running: () => Iterable<Limited>) {
    this.#clock = clock;
    this.#timers = timers;
    this.#running = running;
  }

  /** To be called when something began to run. */
  watch(): void {
    let at = Infinity;
    for (const { deadline } of this.#running()) at = Math.min(at, deadline);
    if (at === Infinity || (this.#timer !== null && this.#timer.at <= at)) return;
    this.#timer?.cancel();
    const cancel = this.#timers.after(Math.max(0, at - this.#clock.now()), () => {
      this.#timer = null;
      for (const one of this.#running()) one.applyLimits(this.#clock.now());
      this.watch();
    });
    this.#timer = { at, cancel };
  }

  stop(): void {
    this.#timer?.cancel();
  }
}

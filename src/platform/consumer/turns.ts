import { StepOrderError, type Timers } from "#engine";

/** Microtasks that a handler may take from one result to the next call of its context. */
const HOPS = 50;
/** What is no step takes this long at most, while something waits for the step behind it. */
const MAX_WAIT_MS = 10_000;

/** A result of an earlier run: its place among all, and what it is the result of. */
export interface KnownResult {
  readonly place: number;
  readonly of: string;
}

/**
 * The order in which a handler gets its results. A replay hands out those of earlier runs as they came then,
 * and nothing new begins before: so parallel branches meet each other in every run as they did in the first,
 * and a handler that does not come to a step again is found out.
 */
export class Turns {
  readonly #timers: Timers;
  readonly #known: readonly KnownResult[];
  /** The places of the known ones, each with its rank. */
  readonly #ranks: ReadonlyMap<number, number>;
  readonly #firstNew: number;
  readonly #waiting = new Map<number, (() => void)[]>();
  readonly #skipped = new Set<number>();
  /** The rank of the next result to be handed out, and the place that the next new one gets. */
  #next = 0;
  #free: number;
  /** Effects in progress, and how many have ended. */
  #held = 0;
  #left = 0;

  /** @param known the results of earlier runs, in their order */
  constructor(timers: Timers, known: readonly KnownResult[]) {
    this.#timers = timers;
    this.#known = known;
    this.#ranks = new Map(known.map(({ place }, rank) => [place, rank]));
    this.#firstNew = (known.at(-1)?.place ?? -1) + 1;
    this.#free = this.#firstNew;
  }

  /** What comes now has come after all results with a lower place. */
  get now(): number {
    return this.#known[this.#next]?.place ?? this.#firstNew + this.#next - this.#known.length;
  }

  /** The place of a new result: after all others. */
  take(): number {
    this.#free += 1;
    return this.#free - 1;
  }

  /**
   * Resolves when the results before this one have been handed out.
   * @throws StepOrderError when the handler does not ask for one of them any more
   */
  async of(place: number): Promise<void> {
    const rank = this.#rankOf(place);
    await this.#reach(rank);
    this.#passed(rank);
  }

  /** Resolves when all results of earlier runs have been handed out. @throws StepOrderError as `of` */
  async caughtUp(): Promise<void> {
    await this.#reach(this.#known.length);
  }

  /** There will be no result of this place. */
  skip(place: number): void {
    this.#skipped.add(this.#rankOf(place));
    this.#passed(-1);
  }

  /** The handler is at an effect: until the answer is called no step is missing that may come behind it. */
  hold(): () => void {
    this.#held += 1;
    return () => {
      this.#held -= 1;
      this.#left += 1;
    };
  }

  async #reach(rank: number): Promise<void> {
    if (rank <= this.#next) return;
    await new Promise<void>((resolve, reject) => {
      let cancel: () => void = () => undefined;
      const watch = () => {
        const left = this.#left;
        cancel = this.#timers.after(MAX_WAIT_MS, () => {
          const missing = this.#known[this.#next];
          if (this.#held > 0 || this.#left > left) watch();
          else if (missing !== undefined) reject(new StepOrderError(missing.of));
        });
      };
      watch();
      const waiting = this.#waiting.get(rank) ?? [];
      this.#waiting.set(rank, waiting);
      waiting.push(() => {
        cancel();
        resolve();
      });
    });
  }

  #passed(rank: number): void {
    this.#next = Math.max(this.#next, rank + 1);
    while (this.#skipped.delete(this.#next)) this.#next += 1;
    const waiting = this.#waiting.get(this.#next);
    if (waiting === undefined) return;
    this.#waiting.delete(this.#next);
    void handOutLater(waiting);
  }

  #rankOf(place: number): number {
    return this.#ranks.get(place) ?? this.#known.length + place - this.#firstNew;
  }
}

/** What the result before set going comes to its next step first. */
async function handOutLater(waiting: readonly (() => void)[]): Promise<void> {
  for (let hop = 0; hop < HOPS; hop += 1) await Promise.resolve();
  for (const handOut of waiting) handOut();
}

import type { Clock, Random, Timers } from "#engine";

/** Taken once: a test may put fake timers in its place later. */
const { setImmediate: afterMicrotasks } = globalThis;

/** When every simulation begins unless it is told, epoch ms. */
const START = 1_800_000_000_000;

interface Event {
  readonly at: number;
  /** Breaks ties: events at the same time run in the order in which they were planned. */
  readonly seq: number;
  readonly run: () => void;
  isCancelled: boolean;
}

/**
 * Time and chance of a simulation: one seeded stream of numbers, one heap of events. Everything that
 * waits waits here, so a seed gives the same history every time. After each event all promises that can
 * go on do so before the next.
 */
export class World implements Clock, Random, Timers {
  readonly #start: number;
  #now: number;
  #seq = 0;
  #state: number;
  readonly #events: Event[] = [];
  /** What happened, for comparing two runs of a seed and for reading a failure. */
  readonly trace: string[] = [];
  #tell: ((line: string) => void) | null = (line) => this.trace.push(line);

  constructor(seed: number, start = START) {
    this.#start = start;
    this.#now = start;
    // Neighbouring seeds would otherwise begin with neighbouring numbers.
    this.#state = Math.imul(seed + 1, 0x9e3779b1);
  }

  now(): number {
    return this.#now;
  }

  /** mulberry32: small, fast, good enough to choose faults. */
  float(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => Math.floor(this.float() * 256));
  }

  chance(probability: number): boolean {
    return probability > 0 && this.float() < probability;
  }

  /** An integer from `low` to `high`. */
  between(low: number, high: number): number {
    return low + Math.floor(this.float() * (high - low + 1));
  }

  pick<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.between(0, choices.length - 1)] ?? choices[0];
  }

  after(ms: number, run: () => void): () => void {
    const event: Event = { at: this.#now + ms, seq: this.#seq, run, isCancelled: false };
    this.#seq += 1;
    this.#push(event);
    return () => {
      event.isCancelled = true;
    };
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(ms, resolve);
    });
  }

  /** Runs the next event if there is one up to this time; then it is that time, or the event's. */
  async step(until: number): Promise<boolean> {
    for (;;) {
      const event = this.#events[0];
      if (event === undefined || event.at > until) {
        this.#now = Math.max(this.#now, until);
        return false;
      }
      this.#pop();
      if (event.isCancelled) continue;
      this.#now = Math.max(this.#now, event.at);
      event.run();
      // A macrotask: all microtasks run before it.
      await new Promise((resolve) => afterMicrotasks(resolve));
      return true;
    }
  }

  /** Runs all events up to a time. @returns the number run */
  async run(until: number): Promise<number> {
    let count = 0;
    while (await this.step(until)) count += 1;
    return count;
  }

  note(what: string): void {
    this.#tell?.(`${this.#now - this.#start} ${what}`);
  }

  /** From now on what happens is told to somebody else than `trace`; null: to nobody. */
  tellTo(tell: ((line: string) => void) | null): void {
    this.#tell = tell;
  }

  #push(event: Event): void {
    const heap = this.#events;
    let index = heap.push(event) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (isBefore(heap[parent], event)) break;
      heap[index] = heap[parent] as Event;
      index = parent;
    }
    heap[index] = event;
  }

  #pop(): void {
    const heap = this.#events;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const next = right < heap.length && isBefore(heap[right], heap[left]) ? right : left;
      if (isBefore(last, heap[next])) break;
      heap[index] = heap[next] as Event;
      index = next;
    }
    heap[index] = last;
  }
}

function isBefore(a: Event | undefined, b: Event | undefined): boolean {
  if (a === undefined || b === undefined) return b === undefined;
  return a.at < b.at || (a.at === b.at && a.seq < b.seq);
}

/** A promise that never settles: what a dead process still waits for. */
export function never<T>(): Promise<T> {
  return new Promise<T>(() => undefined);
}

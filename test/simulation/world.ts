import type { Clock, Random, Timers } from "#engine";

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
  #now = 1_800_000_000_000;
  #seq = 0;
  #state: number;
  readonly #events: Event[] = [];
  /** What happened, for comparing two runs of a seed. */
  readonly trace: string[] = [];

  constructor(seed: number) {
    this.#state = seed;
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

  /** Runs events up to a time. @returns the number run */
  async run(until: number): Promise<number> {
    let count = 0;
    for (;;) {
      const event = this.#events[0];
      if (event === undefined || event.at > until) break;
      this.#pop();
      if (event.isCancelled) continue;
      this.#now = Math.max(this.#now, event.at);
      event.run();
      count += 1;
      // A macrotask: all microtasks run before it.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#now = Math.max(this.#now, until);
    return count;
  }

  note(what: string): void {
    this.trace.push(`${this.#now - 1_800_000_000_000} ${what}`);
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

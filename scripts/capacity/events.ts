interface Event {
  readonly at: number;
  readonly seq: number;
  readonly run: () => void;
}

/** The clock of a simulation: what is planned for a time runs then, in the order of planning. Times in ms. */
export class Events {
  now = 0;
  #seq = 0;
  readonly #heap: Event[] = [];

  after(ms: number, run: () => void): void {
    const event = { at: this.now + ms, seq: (this.#seq += 1), run };
    const heap = this.#heap;
    let index = heap.push(event) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, event)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = event;
  }

  /** Runs everything planned up to a time. */
  runUntil(until: number): void {
    for (let next = this.#heap[0]; next !== undefined && next.at <= until; next = this.#heap[0]) {
      this.#pop();
      this.now = next.at;
      next.run();
    }
    this.now = until;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = heap[2 * index + 1];
      const right = heap[2 * index + 2];
      if (left === undefined) break;
      const isRight = right !== undefined && isBefore(right, left);
      const next = isRight ? right : left;
      if (isBefore(last, next)) break;
      heap[index] = next;
      index = 2 * index + (isRight ? 2 : 1);
    }
    heap[index] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.seq < b.seq);
}

/** One server with one line, first come first served. */
export class Station {
  readonly #events: Events;
  readonly #stallAfter: (workMs: number) => number;
  #freeAt = 0;
  /** Time that it served, ms. */
  busyMs = 0;

  /** @param stallAfter how long it stands still after so much work, ms */
  constructor(events: Events, stallAfter: (workMs: number) => number = () => 0) {
    this.#events = events;
    this.#stallAfter = stallAfter;
  }

  /** @param done called when it has been served for `ms` */
  serve(ms: number, done: () => void): void {
    const { now } = this.#events;
    const taken = ms + this.#stallAfter(ms);
    this.#freeAt = Math.max(this.#freeAt, now) + taken;
    this.busyMs += taken;
    this.#events.after(this.#freeAt - now, done);
  }
}

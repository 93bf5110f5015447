/** The earliest of many times, of which each may become untrue: what is no more is left out when it is looked at. */
export class DueTimes {
  readonly #heap: { readonly at: number; readonly id: string }[] = [];
  readonly #isTrue: (id: string, at: number) => boolean;

  constructor(isTrue: (id: string, at: number) => boolean) {
    this.#isTrue = isTrue;
  }

  push(at: number, id: string): void {
    const heap = this.#heap;
    const entry = { at, id };
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || above.at <= at) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = entry;
  }

  /** Infinity: there is none. */
  first(): number {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (this.#isTrue(top.id, top.at)) return top.at;
      this.#pop();
    }
    return Infinity;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let next = 2 * index + 1;
      const [left, right] = [heap[next], heap[next + 1]];
      if (left === undefined) break;
      const child = right !== undefined && right.at < left.at ? right : left;
      if (child === right) next += 1;
      if (child.at >= last.at) break;
      heap[index] = child;
      index = next;
    }
    heap[index] = last;
  }
}

/**
 * Numbers of rows that are written again instead of deleted: a delete is billed like a write, an
 * overwrite saves it. Hands out the numbers that are free, then new ones.
 */
export class Slots {
  readonly #free: number[] = [];
  #next = 0;

  /** To be called at load for a row that is in the table. */
  note(slot: number, isFree: boolean): void {
    this.#next = Math.max(this.#next, slot + 1);
    if (isFree) this.#free.push(slot);
  }

  take(): number {
    const slot = this.#free.pop();
    if (slot !== undefined) return slot;
    this.#next += 1;
    return this.#next - 1;
  }

  release(slot: number): void {
    this.#free.push(slot);
  }
}

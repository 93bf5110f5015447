import type { World } from "../../../src/testing/world.ts";
import { Violation } from "../violation.ts";

/** Running tasks that were terminated: whoever runs them is told by the next heartbeat. (G17) */
export class CalledOff {
  readonly #world: World;
  readonly #withinMs: number;
  readonly #since = new Map<string, number>();
  readonly #told = new Set<string>();

  /** @param withinMs Infinity: nobody knows when a word gets through */
  constructor(world: World, withinMs: number) {
    this.#world = world;
    this.#withinMs = withinMs;
  }

  /** Tasks whose handlers were told to stop. */
  get told(): number {
    return this.#told.size;
  }

  terminated(id: string): void {
    if (!this.#since.has(id)) this.#since.set(id, this.#world.now());
  }

  /** A handler has come a part further. */
  goesOn(id: string, isTold: boolean): void {
    const since = this.#since.get(id);
    if (since === undefined) return;
    if (isTold) this.#told.add(id);
    const ms = this.#world.now() - since;
    if (!isTold && ms > this.#withinMs) {
      throw new Violation(`${id} was called off ${ms} ms ago, and goes on untold`);
    }
  }
}

import type { World } from "../../src/testing/world.ts";

type Chances = Readonly<Record<string, number>>;

/** Decides what goes wrong by the chances of a mix, and keeps count of what did. */
export class Chaos<Faults extends { readonly [Name in keyof Faults]: number }> {
  /** Probabilities per occasion; may be changed at any time. */
  faults: Faults;
  readonly #world: World;
  readonly #counts = new Map<string, number>();

  constructor(world: World, faults: Faults) {
    this.#world = world;
    this.faults = faults;
  }

  /** Whether a fault happens on this occasion. Without a chance it takes no number from the world. */
  strikes(name: keyof Faults & string): boolean {
    const happens = this.#world.chance((this.faults as Chances)[name] ?? 0);
    if (happens) this.happened(name);
    return happens;
  }

  /** A fault happened that was decided elsewhere. */
  happened(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }
}

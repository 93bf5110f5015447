/** How a single call of a port goes wrong: not made, made but reported as failed, or the caller dies. */
export const BLOWS = ["throw before", "throw after", "crash"] as const;
export type Blow = (typeof BLOWS)[number];

/** Kills the ledger's object at the statement (or the call) that it is thrown from. */
export class Crash extends Error {
  override readonly name = "Crash";
}

/**
 * Counts the calls of all ports and makes one of them go wrong: for trying every call of a history in
 * turn. By default none does.
 */
export class Tripwire {
  readonly #at: number;
  readonly #blow: Blow;
  #calls = 0;

  constructor(at = -1, blow: Blow = "crash") {
    this.#at = at;
    this.#blow = blow;
  }

  get calls(): number {
    return this.#calls;
  }

  sync<T>(run: () => T): T {
    const blow = this.#next();
    if (blow === null) return run();
    if (blow === "crash") throw new Crash("at a call");
    if (blow === "throw after") run();
    throw new Error(`the port failed: ${blow}`);
  }

  /** @param crash kills the caller, whose promise then never settles */
  async async<T>(run: () => Promise<T>, crash: () => void): Promise<T> {
    const blow = this.#next();
    if (blow === null) return run();
    if (blow === "crash") crash();
    if (blow !== "throw before") {
      const value = await run();
      if (blow === "crash") return value;
    }
    throw new Error(`the port failed: ${blow}`);
  }

  #next(): Blow | null {
    const isHere = this.#calls === this.#at;
    this.#calls += 1;
    return isHere ? this.#blow : null;
  }
}

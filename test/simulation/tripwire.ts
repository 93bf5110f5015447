/** How a single call of a port goes wrong: not made, made but reported as failed, or the caller dies. */
export const BLOWS = ["throw before", "throw after", "crash"] as const;
export type Blow = (typeof BLOWS)[number];

/** What was done is undone when the call fails, so it makes no difference whether it was. */
export const UNDONE: readonly Blow[] = ["throw before", "crash"];
/** Whoever made the call lives on. */
const SURVIVED: readonly Blow[] = ["throw before", "throw after"];

/** Kills the ledger's object at the statement (or the call) that it is thrown from. */
export class Crash extends Error {
  override readonly name = "Crash";
}

/** A call that was made to fail. */
export class PortFailure extends Error {
  override readonly name = "PortFailure";
}

/**
 * Counts the calls of all ports and makes some of them go wrong: for trying every call of a history in
 * turn. By default none does.
 */
export class Tripwire {
  readonly #blows: ReadonlyMap<number, Blow>;
  readonly #differing: (readonly Blow[])[] = [];

  /** @param blows how which call goes wrong; calls are counted from 0 */
  constructor(blows: ReadonlyMap<number, Blow> = new Map()) {
    this.#blows = blows;
  }

  get calls(): number {
    return this.#differing.length;
  }

  /** Of each call that was made, the blows that lead to different histories. */
  get differing(): readonly (readonly Blow[])[] {
    return this.#differing;
  }

  sync<T>(run: () => T, differing: readonly Blow[]): T {
    const blow = this.#next(differing);
    if (blow === null) return run();
    if (blow === "crash") throw new Crash("at a call");
    if (blow === "throw after") run();
    throw new PortFailure(`the port failed: ${blow}`);
  }

  /** A call that can't have happened when it is reported as failed, as a commit. */
  uncommitted<T>(run: () => T): T {
    const blow = this.#next(UNDONE);
    if (blow === null) return run();
    if (blow === "crash") throw new Crash("at a commit");
    throw new PortFailure("the commit failed");
  }

  /** A call that the caller survives. */
  survived(run: () => void): void {
    const blow = this.#next(SURVIVED);
    if (blow !== "throw before") run();
    if (blow !== null) throw new PortFailure(`the port failed: ${blow}`);
  }

  /** @param crash kills the caller, whose promise then never settles */
  async async<T>(run: () => Promise<T>, crash: () => void): Promise<T> {
    const blow = this.#next(BLOWS);
    if (blow === null) return run();
    if (blow === "crash") {
      // Not in the middle of what the caller does without waiting.
      await Promise.resolve();
      crash();
    }
    if (blow !== "throw before") {
      const value = await run();
      if (blow === "crash") return value;
    }
    throw new PortFailure(`the port failed: ${blow}`);
  }

  #next(differing: readonly Blow[]): Blow | null {
    this.#differing.push(differing);
    return this.#blows.get(this.#differing.length - 1) ?? null;
  }
}

/** Plays a history in which these calls go wrong. */
async function playStruck(
  name: string,
  play: (tripwire: Tripwire) => Promise<unknown>,
  blows: ReadonlyMap<number, Blow>,
): Promise<Tripwire> {
  const tripwire = new Tripwire(blows);
  try {
    await play(tripwire);
    return tripwire;
  } catch (error) {
    const where = Array.from(blows, ([at, blow]) => `${blow} at call ${at}`).join(", ");
    throw new Error(`${name}, ${where}: ${String(error)}`, { cause: error });
  }
}

/**
 * Plays a history once for every way in which one of its calls may go wrong.
 * @param struck is given the history after each blow, to go on from there
 * @returns the history in which none does
 */
export async function strikeEach(
  name: string,
  play: (tripwire: Tripwire) => Promise<unknown>,
  struck: (at: number, blow: Blow, tripwire: Tripwire) => Promise<void> = async () => undefined,
): Promise<Tripwire> {
  const whole = await playStruck(name, play, new Map());
  for (const [at, blows] of whole.differing.entries()) {
    for (const blow of blows) {
      await struck(at, blow, await playStruck(name, play, new Map([[at, blow]])));
    }
  }
  return whole;
}

/** The same for every two calls. What comes after the first blow is another history, with calls of its own. */
export async function strikePairs(
  name: string,
  play: (tripwire: Tripwire) => Promise<unknown>,
): Promise<Tripwire> {
  return strikeEach(name, play, async (first, one, { differing }) => {
    for (const [second, blows] of differing.entries()) {
      if (second <= first) continue;
      for (const other of blows) {
        const both = new Map([
          [first, one],
          [second, other],
        ]);
        await playStruck(name, play, both);
      }
    }
  });
}

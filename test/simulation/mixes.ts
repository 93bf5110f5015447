import { BEAT_MIX } from "./beat/mixes.ts";
import type { Mix } from "./mix.ts";
import { SHOP_MIXES } from "./shop/mixes.ts";
import { ENGINE_MIXES } from "./whole/mixes.ts";

/** What happened in one history, and the promise that was broken in it. */
export interface Trace {
  readonly lines: readonly string[];
  /** Null: none was. */
  readonly violation: string | null;
}

/** All mixes that there are: those of the engine, of beat alone, and of the shop. */
export const ALL_MIXES: readonly Mix[] = [...ENGINE_MIXES, BEAT_MIX, ...SHOP_MIXES];

/**
 * A history of a mix with what happened in it, line by line.
 * @throws Error where there is no such mix
 */
export async function traceOf(name: string, seed: number, tasks: number): Promise<Trace> {
  const mix = ALL_MIXES.find((known) => known.name === name);
  if (mix === undefined) throw new Error(`There is no mix '${name}'.`);
  const lines: string[] = [];
  try {
    await mix.run(seed, tasks, (line) => lines.push(line));
    return { lines, violation: null };
  } catch (error) {
    return { lines, violation: error instanceof Error ? error.message : String(error) };
  }
}

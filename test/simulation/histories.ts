import { expect } from "vitest";
import { MIXES, type Faults } from "./faults.ts";
import { Simulation } from "./simulation.ts";

/** Histories of each mix; SIM_SEEDS asks for more. */
const SEEDS = Number(process.env["SIM_SEEDS"] ?? 30);
/** `<mix>:<seed>` as a failure prints it: that history alone. */
const REPLAY = process.env["SIM_REPLAY"];

/**
 * Runs a mix with many seeds; fails with the first that breaks a promise, and says how to see it again, and where a
 * fault that is on never happened.
 */
export async function runMix(mix: string, faults: Faults): Promise<void> {
  const missing = new Set(Object.keys(faults).filter((name) => faults[name as keyof Faults] > 0));
  for (const seed of seedsOf(mix)) {
    const simulation = new Simulation(seed, { faults });
    try {
      await simulation.run();
    } catch (error) {
      const tail = simulation.world.trace.slice(REPLAY === undefined ? -25 : 0).join("\n");
      throw new Error(`SIM_REPLAY='${mix}:${seed}': ${String(error)}\n${tail}`, { cause: error });
    }
    for (const [fault, count] of Object.entries(simulation.happened)) {
      if (count > 0) missing.delete(fault);
    }
  }
  // What never happens proves nothing.
  if (REPLAY === undefined) expect([...missing]).toEqual([]);
}

function seedsOf(mix: string): number[] {
  if (REPLAY === undefined) return Array.from({ length: SEEDS }, (_, index) => index);
  const [replayed = "", seed] = REPLAY.split(":");
  if (!Object.hasOwn(MIXES, replayed)) throw new Error(`There is no mix '${replayed}'.`);
  return replayed === mix ? [Number(seed)] : [];
}

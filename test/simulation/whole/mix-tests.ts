import { expect, it } from "vitest";
import { EVENTS } from "./answer-check.ts";
import { ENGINE_MIXES, faultsOf } from "./mixes.ts";

const SEEDS = Number(process.env["MIX_SEEDS"] ?? 20);
const TASKS = 1_000;

/** Tests of every fourth mix: the files that share them run side by side. */
export function testMixes(part: number, parts: number): void {
  const own = ENGINE_MIXES.filter((_mix, index) => index % parts === part);
  it.each(own)(
    "$name: every promise holds in a whole deployment (G1, G2, G3, G4, G5, G6, G7, G12, G13, G14, G15, G16, G17, G18, G19, G20, G21)",
    async (mix) => {
      const faults: Record<string, number> = {};
      const events: Record<string, number> = {};
      let tasks = 0;
      for (let seed = 0; seed < SEEDS; seed += 1) {
        const report = await mix.run(seed, TASKS);
        tasks += report.tasks;
        addCounts(faults, report.faults);
        addCounts(events, report.events ?? {});
      }
      expect(tasks).toBeGreaterThan((SEEDS * TASKS) / 2);
      // What never happens proves nothing.
      expect(faultsOf(mix.name).filter((fault) => (faults[fault] ?? 0) === 0)).toEqual([]);
      expect(EVENTS.filter((event) => (events[event] ?? 0) === 0)).toEqual([]);
    },
    300_000,
  );
}

function addCounts(sums: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count;
}

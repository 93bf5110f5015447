import type { Mix } from "../mix.ts";
import { Violation } from "../violation.ts";
import { BeatHistory } from "./beat-history.ts";

/** Histories of one seed, at most. */
const MAX_HISTORIES = 10_000;

/** Schedules of all kinds, from outages to changes of clocks: what each fires is what its policy says, once. */
export const BEAT_MIX: Mix = {
  name: "beat",
  async run(seed, tasks, note) {
    const faults: Record<string, number> = {};
    let done = 0;
    for (let nth = 0; nth < MAX_HISTORIES && (nth === 0 || done < tasks); nth += 1) {
      const history = new BeatHistory(seed * MAX_HISTORIES + nth);
      note?.(`history ${nth}`);
      history.world.tellTo(note ?? null);
      try {
        await history.run();
      } catch (error) {
        const what = error instanceof Error ? error.message : String(error);
        throw new Violation(`mix beat, seed ${seed}, history ${nth}: ${what}`, { cause: error });
      }
      done += history.oracle.tasks;
      for (const [fault, count] of Object.entries(history.count.all)) {
        faults[fault] = (faults[fault] ?? 0) + count;
      }
    }
    return { tasks: done, faults };
  },
};

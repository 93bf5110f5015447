import { expect, it } from "vitest";
import { ALL_BEAT_FAULTS } from "./beat-faults.ts";
import { BEAT_MIX } from "./mixes.ts";

const SEEDS = Number(process.env["SIM_SEEDS"] ?? 20);
const TASKS = 100;

it("whatever dies, jumps or is edited, a schedule fires what its policy says, each slot once (G12)", async () => {
  const happened: Record<string, number> = {};
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const { faults } = await BEAT_MIX.run(seed, TASKS);
    for (const [fault, count] of Object.entries(faults)) {
      happened[fault] = (happened[fault] ?? 0) + count;
    }
  }
  // Else it was not tried.
  expect(Object.keys(happened).toSorted()).toEqual(Object.keys(ALL_BEAT_FAULTS).toSorted());
});

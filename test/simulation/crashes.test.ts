import { expect, it } from "vitest";
import { CRASH_MIXES } from "./faults.ts";
import { runMix } from "./histories.ts";
import { Simulation } from "./simulation.ts";

it.each(Object.entries(CRASH_MIXES))("every promise holds: %s", runMix);

it("a seed gives the same history every time", async () => {
  const traceOf = async () => {
    const simulation = new Simulation(42, { faults: CRASH_MIXES.everything });
    await simulation.run();
    return simulation.world.trace.join("\n");
  };
  const first = await traceOf();
  expect(first.length).toBeGreaterThan(1_000);
  expect(await traceOf()).toBe(first);
});

import { expect, it } from "vitest";
import { MIXES } from "./faults.ts";
import { Simulation } from "./simulation.ts";

/** Histories of each mix; SIM_SEEDS asks for more, SIM_SEED for one seed alone. */
const SEEDS = Number(process.env["SIM_SEEDS"] ?? 140);
const ONE_SEED = process.env["SIM_SEED"];

const seeds =
  ONE_SEED === undefined ? Array.from({ length: SEEDS }, (_, index) => index) : [Number(ONE_SEED)];

it.each(Object.entries(MIXES))("every promise holds after every step: %s", async (mix, faults) => {
  for (const seed of seeds) {
    const simulation = new Simulation(seed, faults);
    try {
      await simulation.run();
    } catch (error) {
      const tail = simulation.world.trace.slice(-25).join("\n");
      throw new Error(`SIM_SEED=${seed}, ${mix}: ${String(error)}\n${tail}`, { cause: error });
    }
  }
});

it("a seed gives the same history every time", async () => {
  const traceOf = async () => {
    const simulation = new Simulation(42, MIXES["everything"] ?? expect.unreachable());
    await simulation.run();
    return simulation.world.trace;
  };
  const first = await traceOf();
  expect(first.length).toBeGreaterThan(20);
  expect(await traceOf()).toEqual(first);
});

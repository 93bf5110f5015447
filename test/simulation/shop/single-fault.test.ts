import { afterAll, expect, it } from "vitest";
import { BLOWS, Tripwire, type Blow } from "../tripwire.ts";
import { play, type Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";

/** Every so many calls one is struck; 1: all of them. SIM_PAIRS=1 strikes all pairs besides, which takes hours. */
const EVERY = Number(process.env["SIM_EVERY"] ?? 1);
const HAS_PAIRS = process.env["SIM_PAIRS"] === "1";
let runs = 0;

async function playBlown(
  name: string,
  scenario: Scenario,
  blows: ReadonlyMap<number, Blow>,
): Promise<number> {
  const tripwire = new Tripwire(blows);
  runs += 1;
  try {
    await play(scenario, tripwire);
    return tripwire.calls;
  } catch (error) {
    const where = Array.from(blows, ([at, blow]) => `${blow} at call ${at}`).join(", ");
    throw new Error(`${name}, ${where}: ${String(error)}`, { cause: error });
  }
}

afterAll(() => {
  process.stdout.write(`${runs} histories of a shop with single faults\n`);
});

it.each(Object.entries(SCENARIOS))(
  "%s: no call of a port that fails or kills its caller breaks a promise (G8, G9, G11, G21)",
  async (name, scenario) => {
    const calls = await playBlown(name, scenario, new Map());
    expect(calls).toBeGreaterThan(5);
    for (let at = 0; at < calls; at += EVERY) {
      for (const blow of BLOWS) {
        const others = await playBlown(name, scenario, new Map([[at, blow]]));
        if (!HAS_PAIRS) continue;
        for (let second = at + 1; second < others; second += 1) {
          for (const next of BLOWS) {
            const blows = new Map([
              [at, blow],
              [second, next],
            ]);
            await playBlown(name, scenario, blows);
          }
        }
      }
    }
  },
  HAS_PAIRS ? 36_000_000 : 300_000,
);

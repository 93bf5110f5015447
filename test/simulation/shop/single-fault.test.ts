import { afterAll, expect, it } from "vitest";
import { strikeEach, strikePairs } from "../tripwire.ts";
import { play } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";

/** SIM_PAIRS=1 strikes all pairs besides, which takes hours. */
const HAS_PAIRS = process.env["SIM_PAIRS"] === "1";
let runs = 0;

afterAll(() => {
  process.stdout.write(`${runs} histories of a shop with single faults\n`);
});

it.each(Object.entries(SCENARIOS))(
  "%s: no call of a port that fails or kills its caller breaks a promise (G8, G9, G11, G21)",
  async (name, scenario) => {
    const strike = HAS_PAIRS ? strikePairs : strikeEach;
    const { calls } = await strike(name, (tripwire) => {
      runs += 1;
      return play(scenario, tripwire);
    });
    expect(calls).toBeGreaterThan(5);
  },
  HAS_PAIRS ? 36_000_000 : 300_000,
);

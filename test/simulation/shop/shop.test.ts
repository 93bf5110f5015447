import { expect, it } from "vitest";
import { SHOP_FAULTS } from "./chaos.ts";
import { SHOP_MIXES } from "./mixes.ts";

/**
 * Histories of each mix, in which mail goes by SMTP and by an idempotent provider by turns, and tasks of each;
 * SIM_SEEDS and SIM_TASKS ask for more.
 */
const SEEDS = Number(process.env["SIM_SEEDS"] ?? 4);
const TASKS = Number(process.env["SIM_TASKS"] ?? 400);
const SECONDS_PER_SEED = 120;
/** How often each fault happened in all of them, and what else is seldom. */
const happened = new Map<string, number>();
const events = new Map<string, number>();

it.each(SHOP_MIXES)(
  "whatever breaks, the shop agrees with the books of the outside: $name (G1, G8, G9, G10, G11, G14, G23)",
  async (mix) => {
    let tasks = 0;
    for (let seed = 0; seed < SEEDS; seed += 1) {
      const report = await mix.run(seed, TASKS);
      tasks += report.tasks;
      for (const [fault, count] of Object.entries(report.faults)) {
        happened.set(fault, (happened.get(fault) ?? 0) + count);
      }
      for (const [event, count] of Object.entries(report.events ?? {})) {
        events.set(event, (events.get(event) ?? 0) + count);
      }
    }
    expect(tasks).toBeGreaterThan((SEEDS * TASKS) / 3);
  },
  SEEDS * SECONDS_PER_SEED * 1_000,
);

it("every fault that there is really happened", () => {
  expect(SHOP_FAULTS.filter((fault) => (happened.get(fault) ?? 0) === 0)).toEqual([]);
  expect([...events].filter(([, count]) => count === 0)).toEqual([]);
});

import { expect, it } from "vitest";
import { NO_FAULTS, type Faults } from "./faults.ts";
import { Simulation } from "./simulation.ts";

/** Work that is due starts within this, whatever becomes of the doorbells. */
const LATEST_START_MS = 60_000;

const SEEDS = Number(process.env["SIM_SEEDS"] ?? 40);

/** The worst delay of a start over some histories, each of which must come to its end. */
async function worstDelay(faults: Faults): Promise<number> {
  let worst = 0;
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const simulation = new Simulation(seed, {
      faults,
      lasting: faults,
      // A consumer that dies takes the turn of those behind it along: not the bells' fault.
      plan: ({ clients }) => {
        clients.plan(faults, ["succeed", "fail", "flaky", "again", "exhaust", "slow", "overlong"]);
      },
      maxRunning: null,
    });
    try {
      await simulation.run();
    } catch (error) {
      throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
    }
    worst = Math.max(worst, simulation.oracle.worstDelayMs);
  }
  return worst;
}

it.each<[what: string, faults: Partial<Faults>]>([
  ["every doorbell is lost", { bellLost: 1 }],
  ["the queue never takes a doorbell", { bellLost: 1, ringThrows: 1 }],
])("when %s for ever, all work is done, and none starts a minute late", async (_what, bells) => {
  const faults = { ...NO_FAULTS, ...bells };
  expect(await worstDelay(faults)).toBeLessThanOrEqual(LATEST_START_MS);
});

it("with bells lost now and then and no other way, bells that were lost are rung again", async () => {
  const faults = { ...NO_FAULTS, bellLost: 0.3, directFails: 1 };
  // A look every 20 s, each of whose bells is lost in three of ten cases: nine in a row are too many.
  expect(await worstDelay(faults)).toBeLessThanOrEqual(3 * LATEST_START_MS);
});

it("an object that is evicted before its alarm, and woken by readers, gets to its work", async () => {
  const faults = { ...NO_FAULTS, bellLost: 1 };
  const simulation = new Simulation(1, {
    faults,
    lasting: faults,
    plan: ({ clients, world, host }) => {
      const spec = clients.spec("succeed");
      world.after(0, () => void clients.submit([spec]));
      for (let at = 10_000; at < 120_000; at += 10_000) {
        world.after(at, () => {
          host.die();
          void clients.read(spec.id);
        });
      }
    },
  });
  await simulation.run();
  expect(simulation.oracle.worstDelayMs).toBeLessThanOrEqual(LATEST_START_MS);
});

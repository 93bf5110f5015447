import { expect, it } from "vitest";
import { strikeEach } from "./tripwire.ts";
import { NO_FAULTS, type Faults } from "./faults.ts";
import { Simulation, type SimulationOptions } from "./simulation.ts";

type Plan = NonNullable<SimulationOptions["plan"]>;

const ignore = () => undefined;

/** Lone short tasks one after the other, from invocations that can run them. */
const lone =
  (kind: "succeed" | "again" | "overlong" | "deadly" | "once"): Plan =>
  ({ clients, world }) => {
    const over = kind === "deadly" ? { kwargs: JSON.stringify({ kind, n: 0 }) } : {};
    for (const at of [0, 10_000]) {
      world.after(at, () => void clients.submitToRun(clients.spec(kind, over)).catch(ignore));
    }
  };

async function run(seed: number, plan: Plan, faults: Faults = NO_FAULTS): Promise<Simulation> {
  const simulation = new Simulation(seed, { plan, faults });
  await simulation.run();
  return simulation;
}

it("lone short tasks are run by who submits them, and no bell rings", async () => {
  const { oracle, consumers } = await run(1, lone("succeed"));
  expect(oracle.express.count).toBe(2);
  expect(consumers.bellsRung).toBe(0);
});

it("an invocation that dies over its task loses its lease, and a consumer runs it (G1, G3)", async () => {
  const { oracle, consumers } = await run(1, lone("deadly"));
  expect(oracle.express.count).toBe(2);
  expect(consumers.bellsRung).toBeGreaterThan(0);
});

it("a retry of what was run so is a consumer's", async () => {
  const { oracle, consumers } = await run(1, lone("again"));
  expect(oracle.express.count).toBe(2);
  expect(consumers.bellsRung).toBeGreaterThan(0);
});

it("five at once: the fifth is a consumer's", async () => {
  const { oracle, consumers } = await run(1, ({ clients, world, host }) => {
    for (let n = 0; n < 5; n += 1) {
      world.after(n, () => {
        // Longer than all five submits: they meet.
        void clients.submitToRun(clients.spec("overlong")).catch(ignore);
      });
    }
    world.after(0, () => host.check());
  });
  expect(oracle.express.count).toBe(4);
  expect(consumers.bellsRung).toBeGreaterThan(0);
});

it.each(["succeed", "again", "once", "deadly"] as const)(
  "no call that fails or kills its caller breaks a promise to who submits '%s' and runs it (G1, G3)",
  async (kind) => {
    const plan = lone(kind);
    const { calls } = await strikeEach(kind, (tripwire) =>
      new Simulation(1, { plan, tripwire, hasTables: true }).run(),
    );
    expect(calls).toBeGreaterThan(10);
  },
);

it("express leases are granted in histories of every kind of fault", async () => {
  let count = 0;
  for (let seed = 0; seed < 10; seed += 1) {
    const simulation = new Simulation(seed, {
      faults: { ...NO_FAULTS, consumerDies: 0.1, consumerFreezes: 0.1, answerLost: 0.1 },
    });
    await simulation.run();
    count += simulation.oracle.express.count;
  }
  expect(count).toBeGreaterThan(0);
});

import { expect, it } from "vitest";
import type { UniqueRule } from "#engine";
import { Simulation, type SimulationOptions } from "./simulation.ts";
import { strikeEach, strikePairs, type Tripwire } from "./tripwire.ts";

type Plan = NonNullable<SimulationOptions["plan"]>;

const key = (id: string) => ({ id, fingerprint: `call ${id}` });
/** Kills its consumer in its first attempt only. */
const deadlyOnce = { kwargs: JSON.stringify({ kind: "deadly", n: 0 }) };
const ignore = () => undefined;

const plainTask: Plan = ({ clients, world }) => {
  const spec = clients.spec("succeed");
  world.after(0, () => void clients.submit([spec]).catch(ignore));
  for (const at of [50, 500, 30_000])
    world.after(at, () => void clients.read(spec.id).catch(ignore));
};

/** Short histories in which everything happens that a ledger does. Nobody insists on anything. */
const SCENARIOS: Readonly<Record<string, Plan>> = {
  "a plain task": plainTask,
  "retries of every kind": ({ clients, world }) => {
    const kinds = ["flaky", "again", "exhaust", "fail"] as const;
    const specs = kinds.map((kind) => clients.spec(kind, { name: "batch" }));
    world.after(0, () => void clients.submit(specs).catch(ignore));
  },
  "a call under a key, repeated while it runs and when it is history": ({ clients, world }) => {
    const { id } = clients.spec("succeed");
    const spec = clients.spec("succeed", key(id));
    const other = { ...spec, fingerprint: "another call" };
    for (const at of [0, 0, 20, 5_000])
      world.after(at, () => void clients.submit([spec]).catch(ignore));
    world.after(6_000, () => void clients.submit([other]).catch(ignore));
  },
  "revokes before, during and after a run": ({ clients, world }) => {
    const waiting = clients.spec("succeed", { dueAt: world.now() + 10_000 });
    const running = clients.spec("slow");
    const ending = clients.spec("slow");
    const over = clients.spec("succeed");
    world.after(0, () => void clients.submit([waiting, running, ending, over]).catch(ignore));
    world.after(5_000, () => {
      for (const { id } of [waiting, ending, over]) void clients.revoke(id, false).catch(ignore);
      void clients.revoke(running.id, true).catch(ignore);
    });
  },
  "a task longer than its lease, and one that is cut off": ({ clients, world }) => {
    const specs = [clients.spec("slow"), clients.spec("overlong"), clients.spec("soft")];
    world.after(0, () => void clients.submit(specs).catch(ignore));
  },
  "a consumer that dies with three tasks in hand": ({ clients, world }) => {
    const specs = [
      clients.spec("succeed"),
      clients.spec("deadly", deadlyOnce),
      clients.spec("slow"),
    ];
    world.after(0, () => void clients.submit(specs).catch(ignore));
  },
  "more than the lanes hold, of three priorities, some of it too late": ({ clients, world }) => {
    const specs = [0, 2, 1, 0, 2].map((priority, index) =>
      clients.spec("succeed", {
        priority,
        dueAt: index % 2 === 0 ? null : world.now() + 2_000,
        expiresAt: index === 4 ? world.now() + 1 : null,
      }),
    );
    world.after(0, () => void clients.submit(specs).catch(ignore));
  },
  "effects that a retry gets again, alone and in a batch": ({ clients, world }) => {
    const specs = [clients.spec("once"), clients.spec("once", { name: "batch" })];
    world.after(0, () => void clients.submit(specs).catch(ignore));
  },
  "like calls, of which one is a task": ({ clients, world }) => {
    const call = (rule: Partial<UniqueRule>) => {
      const unique: UniqueRule = {
        key: "k",
        keep: "first",
        holdMs: 0,
        isHeldOpen: true,
        debounce: null,
        ...rule,
      };
      return clients.spec("succeed", { unique, options: { unique_key: "k" } });
    };
    const debounce = { waitMs: 2_000, maxMs: 3_000 };
    const calls: [at: number, rule: Partial<UniqueRule>][] = [
      [0, {}],
      [0, {}],
      [5_000, { keep: "replace", debounce }],
      [6_500, { keep: "replace", debounce }],
      [6_600, {}],
      [20_000, { holdMs: 5_000, isHeldOpen: false }],
      [22_000, {}],
    ];
    for (const [at, rule] of calls) {
      world.after(at, () => void clients.submit([call(rule)]).catch(ignore));
    }
  },
  "tasks that are moved, and one that nobody claims before it expires": ({ clients, world }) => {
    const now = world.now();
    const moved = clients.spec("succeed", { dueAt: now + 40_000 });
    const late = clients.spec("succeed", { dueAt: now + 2_000, expiresAt: now + 50_000 });
    const expiring = clients.spec("succeed", { dueAt: now + 90_000, expiresAt: now + 95_000 });
    world.after(0, () => void clients.submit([moved, late, expiring]).catch(ignore));
    world.after(1_000, () => {
      void clients.reschedule(moved.id, now + 3_000).catch(ignore);
      void clients.reschedule(late.id, now + 45_000).catch(ignore);
      void clients.reschedule(expiring.id, now + 94_999).catch(ignore);
    });
  },
  "tasks whose ends are told: a success, a failure, one called off, one too late": ({
    clients,
    world,
  }) => {
    const now = world.now();
    const specs = [
      clients.spec("succeed"),
      clients.spec("fail", { name: "batch" }),
      clients.spec("succeed", { dueAt: now + 10_000 }),
      clients.spec("succeed", { dueAt: now + 20_000, expiresAt: now + 20_001 }),
    ].map((spec) => clients.withCallback(spec));
    world.after(0, () => void clients.submit(specs).catch(ignore));
    world.after(5_000, () => void clients.revoke(specs[2]?.id ?? "", false).catch(ignore));
  },
};

const play =
  (plan: Plan, hasTables: boolean) =>
  (tripwire: Tripwire): Promise<void> =>
    new Simulation(1, { plan, tripwire, hasTables, maxRunning: 3, laneCapacity: 2 }).run();

it.each(Object.entries(SCENARIOS))(
  "%s: no single call of a port that fails or kills its caller breaks a promise",
  async (name, plan) => {
    // That of a new object makes its tables first.
    const { calls } = await strikeEach(name, play(plan, plan !== plainTask));
    expect(calls).toBeGreaterThan(20);
  },
);

it("nor do any two calls of a plain task's", async () => {
  const { calls } = await strikePairs("a plain task", play(plainTask, true));
  expect(calls).toBeGreaterThan(20);
});

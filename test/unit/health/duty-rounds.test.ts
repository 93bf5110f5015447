import { expect, it } from "vitest";
import { NO_CONTROLS } from "#engine";
import { DutyRounds, type WatchdogDuty } from "#platform/watchdog/duty-rounds.ts";
import { World } from "../../../src/testing/world.ts";

const MEMORY = { read: async () => undefined, write: async () => undefined };

function rig() {
  const world = new World(1);
  const rounds = new DutyRounds({ clock: world, timers: world, log: () => undefined });
  const ran: string[] = [];
  const duty = (name: string, work: () => Promise<void> = async () => undefined): WatchdogDuty => ({
    ...{ name, does: "…" },
    run: async () => {
      ran.push(name);
      await work();
    },
  });
  /** Does a round, in so many seconds at most. */
  const round = async (duties: readonly WatchdogDuty[], seconds = 20) => {
    let isOver = false;
    const end = rounds
      .run(duties, NO_CONTROLS, () => MEMORY)
      .then(() => {
        isOver = true;
      });
    await new Promise(setImmediate);
    if (!isOver) await world.run(world.now() + seconds * 1_000);
    await new Promise(setImmediate);
    expect(isOver).toBe(true);
    await end;
  };
  return { world, rounds, ran, duty, round };
}

const hangs = () => new Promise<void>(() => undefined);

it("a duty that hangs holds up neither the others nor the next round", async () => {
  const { ran, duty, round, rounds } = rig();
  const duties = [duty("a", hangs), duty("b")];
  await round(duties);
  await round(duties);
  expect(ran).toEqual(["a", "b", "b"]);
  expect(rounds.healthOf("b")).toMatchObject({ failingSince: null, ranAt: expect.any(Number) });
});

it("a duty that throws is said, and well again when it ran", async () => {
  const { duty, round, rounds } = rig();
  let isBroken = true;
  const duties = [
    duty("a", async () => {
      if (isBroken) throw new Error("away");
    }),
  ];
  await round(duties);
  expect(rounds.healthOf("a").error).toContain("away");
  isBroken = false;
  await round(duties);
  expect(rounds.healthOf("a")).toMatchObject({ failingSince: null, error: null });
});

it("a duty that takes long is no problem yet, one that hangs is, and is begun anew at last", async () => {
  const { world, ran, duty, round, rounds } = rig();
  const duties = [duty("a", hangs)];
  for (const seconds of [0, 60]) {
    await world.run(world.now() + seconds * 1_000);
    await round(duties);
  }
  expect(rounds.healthOf("a").error).toBeNull();
  await world.run(world.now() + 60_000);
  await round(duties);
  expect(rounds.healthOf("a").error).toContain("has not ended for 160 seconds");
  expect(ran).toEqual(["a"]);
  await world.run(world.now() + 200_000);
  await round(duties);
  expect(ran).toEqual(["a", "a"]);
});

it("a duty that was slow is well as soon as it has ended", async () => {
  const { world, duty, round, rounds } = rig();
  let end = () => undefined as void;
  const duties = [duty("a", () => new Promise<void>((resolve) => (end = resolve)))];
  await round(duties);
  await world.run(world.now() + 130_000);
  await round(duties);
  expect(rounds.healthOf("a").failingSince).not.toBeNull();
  end();
  await new Promise(setImmediate);
  expect(rounds.healthOf("a").failingSince).toBeNull();
});

it("what one duty remembers is its own", async () => {
  const { world } = rig();
  const rounds = new DutyRounds({ clock: world, timers: world, log: () => undefined });
  const kept = new Map<string, unknown>();
  const keep = (name: string): WatchdogDuty => ({
    ...{ name, does: "…" },
    run: (_controls, memory) => memory.write(name),
  });
  await rounds.run([keep("a"), keep("b")], NO_CONTROLS, (duty) => ({
    read: async () => undefined,
    write: async (value) => {
      kept.set(duty, value);
    },
  }));
  expect([...kept]).toEqual([
    ["a", "a"],
    ["b", "b"],
  ]);
});

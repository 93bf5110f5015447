import { expect, it } from "vitest";
import type { BeatHealth, WatchdogHealth } from "#platform/health/health.ts";
import { DeploymentReadiness } from "#platform/health/readiness.ts";
import { World } from "../../../src/testing/world.ts";

/** A deployment of two shards in which everything is well, until a test says otherwise. */
function rig() {
  const world = new World(1);
  const state = {
    migrated: true,
    watchdogAlarm: (): number | null => world.now() + 1_000,
    beatAlarm: null as number | null,
    nextSlot: null as number | null,
    shard: (_shard: number): Promise<unknown> => Promise.resolve({}),
  };
  let asked = 0;
  const first = async () => {
    asked += 1;
    return state.migrated ? { found: 1 } : null;
  };
  const db = { prepare: () => ({ bind: () => ({ first }) }) } as unknown as D1Database;
  const readiness = new DeploymentReadiness({
    ...{ migration: "0001_x.sql", db, shards: 2, clock: world, timers: world },
    watchdog: () => ({
      health: async () => ({ alarmAt: state.watchdogAlarm() }) as WatchdogHealth,
    }),
    beat: () => ({
      health: async () => ({ alarmAt: state.beatAlarm, nextSlotAt: state.nextSlot }) as BeatHealth,
    }),
    shard: (shard) => ({ health: () => state.shard(shard) }),
  });
  return { world, state, readiness, asked: () => asked };
}

it("it is ready when all parts are there", async () => {
  expect(await rig().readiness.failing()).toEqual([]);
});

it.each<[string, (state: ReturnType<typeof rig>["state"]) => void]>([
  ["database", (state) => (state.migrated = false)],
  ["watchdog", (state) => (state.watchdogAlarm = () => null)],
  ["beat", (state) => (state.nextSlot = 1)],
  [
    "ledger 1",
    (state) => (state.shard = async (shard) => shard === 1 && Promise.reject(new Error())),
  ],
])("the part that fails is named: %s", async (name, breakIt) => {
  const { state, readiness } = rig();
  breakIt(state);
  expect(await readiness.failing()).toEqual([name]);
});

it("a part that doesn't answer fails after two seconds, and holds up no other", async () => {
  const { world, state, readiness } = rig();
  state.shard = () => new Promise(() => undefined);
  const answer = readiness.failing();
  await new Promise(setImmediate);
  await world.run(world.now() + 2_000);
  expect(await answer).toEqual(["ledger 0", "ledger 1"]);
});

it("one answer serves for a second, and the next one is new", async () => {
  const { world, state, readiness, asked } = rig();
  await readiness.failing();
  state.migrated = false;
  expect(await readiness.failing()).toEqual([]);
  expect(asked()).toBe(1);
  await world.run(world.now() + 1_000);
  expect(await readiness.failing()).toEqual(["database"]);
  expect(asked()).toBe(2);
});

it("while somebody looks, the last answer serves the others", async () => {
  const { world, state, readiness, asked } = rig();
  await readiness.failing();
  await world.run(world.now() + 1_500);
  state.shard = () => new Promise(() => undefined);
  const looking = readiness.failing();
  expect(await readiness.failing()).toEqual([]);
  expect(asked()).toBe(2);
  await new Promise(setImmediate);
  await world.run(world.now() + 2_000);
  expect(await looking).toEqual(["ledger 0", "ledger 1"]);
});

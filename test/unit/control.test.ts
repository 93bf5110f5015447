import { expect, it } from "vitest";
import { Control, type ControlledShard } from "#platform/control/control.ts";
import type { BulkStep } from "#platform/ledger/bulk.ts";
import { FIRST_POSITION, type Position } from "#platform/ledger/selection.ts";
import { World } from "../../src/testing/world.ts";

/** A purge of one shard, and where and when (ms since its begin) its steps begin. */
function purging(step: (from: Position, number: number) => BulkStep) {
  const world = new World(1);
  const start = world.now();
  const steps: { from: Position; at: number }[] = [];
  const shard: Pick<ControlledShard, "purgeSome"> = {
    purgeSome: async (_queue, from) => step(from, steps.push({ from, at: world.now() - start })),
  };
  const control = new Control({
    home: () => {
      throw new Error("not used");
    },
    shards: 1,
    shard: () => shard as ControlledShard,
    queues: new Set(["default"]),
    timers: world,
  });
  return { world, steps, purged: world.sleep(0).then(() => control.purge("default")) };
}

const full = (next: Position) => ({ revoked: 0, marked: 0, next, isFull: true }) as const;

it("a purge waits for a shard that has no memory for more ends, and goes on where it was", async () => {
  const next = { parked: 0, id: "a" };
  const { world, steps, purged } = purging((from, number) => {
    if (number === 2 || number === 3) return full(from);
    return { revoked: 5, marked: 0, next: number === 1 ? next : null };
  });
  await world.run(world.now() + 1_000);
  expect(await purged).toBe(10);
  expect(steps).toEqual([
    { from: FIRST_POSITION, at: 0 },
    { from: next, at: 0 },
    { from: next, at: 250 },
    { from: next, at: 500 },
  ]);
});

it("a purge fails as one that may be tried again where D1 takes nothing for ten seconds", async () => {
  const { world, purged } = purging(full);
  const failed = expect(purged).rejects.toMatchObject({ code: "history_behind", retryable: true });
  await world.run(world.now() + 10_000);
  await failed;
});

import { expect, it } from "vitest";
import { Heartbeats } from "#platform/consumer/heartbeats.ts";
import { HIBERNATES_AFTER_MS } from "#platform/idle.ts";
import { Rig } from "../ledger/rig.ts";

it("a ledger stays in memory while a task runs: each beat would load it, and set its alarm twice", async () => {
  const rig = new Rig();
  await rig.ledger.submit([rig.spec()]);
  const { tasks, token, leaseMs } = rig.claim();
  const heardAt = [rig.now];
  const heartbeats = new Heartbeats({
    timers: rig.world,
    running: new Map(tasks.map((task) => [task.id, { task, token }])),
    reports: () => [],
    beat: async (held) => {
      heardAt.push(rig.now);
      return rig.ledger.heartbeat(held);
    },
    gone: () => expect.unreachable(),
    failed: () => expect.unreachable(),
  });
  heartbeats.start(leaseMs);
  await rig.pass(10 * leaseMs);
  heartbeats.stop();
  const pauses = heardAt.slice(1).map((at, n) => at - (heardAt[n] ?? 0));
  expect(Math.max(...pauses)).toBeLessThan(HIBERNATES_AFTER_MS);
  expect(pauses.length).toBeLessThanOrEqual(40);
});

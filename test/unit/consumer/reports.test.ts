import { expect, it } from "vitest";
import type { TaskReport } from "#engine";
import { Reports } from "#platform/consumer/reports.ts";
import { World } from "../../../src/testing/world.ts";

function rig() {
  const world = new World(1);
  const start = world.now();
  const sent: { at: number; reports: readonly TaskReport[] }[] = [];
  const reports = new Reports({
    clock: world,
    timers: world,
    send: async (batch) => {
      sent.push({ at: world.now() - start, reports: batch });
    },
  });
  return { world, sent, reports, pass: (ms: number) => world.run(world.now() + ms) };
}

it("the first thing said is sent at once, then the newest every 250 ms at most", async () => {
  const { sent, reports, pass } = rig();
  const notes = reports.open("a", 1);
  for (let current = 0; current < 100; current += 1) {
    notes.updateState("PROGRESS", { current });
    // The end of this turn.
    await Promise.resolve();
    await pass(10);
  }
  await pass(1_000);
  expect(sent.map(({ at }) => at)).toEqual([0, 250, 500, 750, 1_000]);
  expect(sent.map(({ reports: [only] }) => only?.state?.meta)).toEqual(
    [0, 24, 49, 74, 99].map((current) => JSON.stringify({ current })),
  );
  expect(sent.map(({ reports: [only] }) => only?.seq)).toEqual([1, 25, 50, 75, 100]);
});

it("what several attempts say goes in one report, each with all of its lines", async () => {
  const { sent, reports, pass } = rig();
  const [one, two] = [reports.open("a", 1), reports.open("b", 2)];
  one.log("first");
  one.log.error("second", { n: 2 });
  two.updateState("HALF_WAY");
  await pass(1_000);
  expect(sent).toHaveLength(1);
  expect(sent[0]?.reports).toMatchObject([
    {
      id: "a",
      token: 1,
      state: null,
      logs: [
        { level: "info", message: "first" },
        { level: "error", message: "second", fields: '{"n":2}' },
      ],
    },
    { id: "b", token: 2, state: { state: "HALF_WAY", meta: null }, logs: null },
  ]);
});

it("an attempt that has ended is not heard any more", async () => {
  const { sent, reports, pass } = rig();
  const notes = reports.open("a", 1);
  reports.close(notes);
  notes.log("too late");
  await pass(1_000);
  expect(sent).toEqual([]);
  expect(reports.current()).toEqual([]);
});

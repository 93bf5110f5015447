import { expect, it } from "vitest";
import { Rig, success } from "./rig.ts";

/** A ledger, when it wrote to D1 (ms since it began) and how many tasks, and a task that ends now. */
function flushing() {
  const writes: { at: number; tasks: number }[] = [];
  const rig: Rig = new Rig({
    history: {
      write: async (tasks) => {
        writes.push({ at: rig.now - start, tasks: tasks.length });
      },
      fingerprints: async () => new Map(),
    },
  });
  const start = rig.now;
  const endOne = async () => {
    const spec = rig.spec();
    await rig.ledger.submit([spec]);
    const { token } = rig.claim();
    rig.claim(0, { settlements: [success(spec.id, token)] });
  };
  return { rig, writes, endOne };
}

it("a task that ends alone goes to D1 after 50 ms", async () => {
  const { rig, writes, endOne } = flushing();
  await endOne();
  await rig.pass(2_000);
  await endOne();
  await rig.pass(2_000);
  expect(writes).toEqual([
    { at: 50, tasks: 1 },
    { at: 2_050, tasks: 1 },
  ]);
});

it("while tasks keep ending D1 is written to four times a second, and gets all of them", async () => {
  const { rig, writes, endOne } = flushing();
  for (let n = 0; n < 100; n += 1) {
    await endOne();
    await rig.pass(40);
  }
  await rig.pass(1_000);
  expect(writes.length).toBeLessThanOrEqual(18);
  expect(writes.reduce((sum, { tasks }) => sum + tasks, 0)).toBe(100);
});

it("many that end together go at once", async () => {
  const { rig, writes } = flushing();
  const specs = Array.from({ length: 250 }, () => rig.spec());
  await rig.ledger.submit(specs);
  const { token } = rig.claim(250);
  rig.claim(0, { settlements: specs.map(({ id }) => success(id, token)) });
  await rig.pass(10);
  expect(writes).toEqual([{ at: 0, tasks: 250 }]);
});

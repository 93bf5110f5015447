import { expect, it } from "vitest";
import { Rig } from "./rig.ts";

it("a tick that fails has set the next alarm already, however often it fails (G20)", async () => {
  const rig = new Rig();
  await rig.ledger.submit([rig.spec()]);
  rig.sql.setHooks({
    around: (sql, run) => {
      if (sql.startsWith("DELETE")) throw new Error("the disk failed");
      return run();
    },
    committed: () => undefined,
  });
  // Seven times, and the platform would ring no more.
  for (let n = 0; n < 8; n += 1) {
    await rig.pass(30_000);
    rig.armedAt = null;
    expect(() => rig.ledger.tick()).toThrow("the disk failed");
    expect(rig.armedAt ?? 0).toBeGreaterThan(rig.now);
  }
});

it("an alarm that was lost is set again by the next command, whatever it is (G20)", async () => {
  const rig = new Rig();
  await rig.ledger.submit([rig.spec({ dueAt: rig.now + 60_000 })]);
  rig.armedAt = null;
  await rig.pass(66_000);
  await rig.ledger.submit([rig.spec({ dueAt: rig.now + 3_600_000 })]);
  // What the lost one was for is not known: the next has to look, and soon.
  expect(rig.armedAt ?? Infinity).toBeLessThanOrEqual(rig.now + 5_000);
});

it("while one lease ends the alarm is set to the end of the next (G20)", async () => {
  const rig = new Rig();
  await rig.ledger.submit([rig.spec(), rig.spec()]);
  rig.claim(1);
  await rig.pass(1_000);
  rig.claim(1);
  await rig.pass(29_000);
  rig.ledger.tick();
  expect(rig.armedAt).toBe(rig.now + 1_000);
});

import { expect, it } from "vitest";
import { Rig, success } from "./rig.ts";

it("since when ended tasks wait for D1 is known to a new object too, and over when they are there", async () => {
  let isAway = true;
  const rig = new Rig();
  const history = {
    write: async () => {
      if (isAway) throw new Error("D1 is away");
    },
    fingerprints: async () => new Map<string, string | null>(),
  };
  rig.ledger = rig.create({ history });
  await rig.ledger.submit([rig.spec()]);
  const { tasks, token } = rig.claim();
  const endedAt = rig.now;
  rig.claim(0, { settlements: tasks.map(({ id }) => success(id, token)) });
  await rig.pass(60_000);
  rig.ledger = rig.create({ history });
  expect(rig.ledger.flusherHealth).toMatchObject({ failingSince: null, waitingSince: endedAt });
  isAway = false;
  rig.ledger.tick();
  await rig.pass(1_000);
  expect(rig.ledger.flusherHealth.waitingSince).toBeNull();
});

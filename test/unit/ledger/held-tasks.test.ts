import { expect, it } from "vitest";
import { HeldTasks } from "#platform/ledger/memory/held-tasks.ts";
import type { TaskRow } from "#platform/ledger/rows.ts";
import { Rig, success } from "./rig.ts";

/** Arguments of nearly a quarter of a mebibyte. */
const LARGE = JSON.stringify({ text: "x".repeat(250_000) });

it("of what is under lease only small rows are in memory: thousands of large ones would be more than there is", async () => {
  const rig = new Rig();
  const [small, large] = [rig.spec(), rig.spec({ kwargs: LARGE })];
  await rig.ledger.submit([small, large]);
  const held = new HeldTasks(rig.sql, rig.sql.exec<TaskRow>("SELECT * FROM tasks"));
  expect(held.get(large.id)?.kwargs).toBe(LARGE);
  for (const _row of rig.sql.exec("DELETE FROM tasks"));
  expect(held.get(small.id)?.kwargs).toBe("{}");
  expect(held.get(large.id)).toBeUndefined();
  expect([...held.ids()]).toEqual([small.id, large.id]);
  held.delete(large.id);
  expect([held.size, held.known(large.id)]).toEqual([1, undefined]);
});

it.each(["claimed", "claimed before an eviction", "run by who submits it"])(
  "a large task is what it was when it is shown, marked, lost and ended: %s",
  async (how) => {
    const rig = new Rig();
    const large = rig.spec({ kwargs: LARGE, options: { time_limit: 5 } });
    const offered = how === "run by who submits it";
    const claim = offered
      ? (await rig.ledger.submitToRun(large, "offer")).claim
      : (await rig.ledger.submit([large]), rig.claim());
    expect(claim?.tasks.map(({ kwargs }) => kwargs)).toEqual([LARGE]);
    if (how === "claimed before an eviction") rig.ledger = rig.create();
    expect(rig.ledger.get(large.id)).toMatchObject({ state: "STARTED", kwargs: LARGE });
    await rig.pass(30_000);
    rig.ledger.tick();
    expect(rig.ledger.get(large.id)).toMatchObject({ state: "RETRY", kwargs: LARGE });
    const { tasks, token, isSolo } = rig.claim();
    expect([tasks.map(({ kwargs }) => kwargs), isSolo]).toEqual([[LARGE], true]);
    rig.ledger.revoke(large.id, false);
    expect(rig.ledger.questions.list("revoked", 10).map(({ id }) => id)).toEqual([large.id]);
    rig.claim(0, { settlements: [success(large.id, token)] });
    expect(rig.ledger.get(large.id)).toMatchObject({ state: "SUCCESS", kwargs: LARGE });
  },
);

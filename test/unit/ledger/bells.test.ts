import { expect, it } from "vitest";
import { Doorbells } from "#platform/ledger/bells.ts";
import { Rig } from "./rig.ts";

it("one bell is enough until it is answered", () => {
  const bells = new Doorbells();
  expect(bells.needsMore("q", 1, 0)).toBe(true);
  bells.rang("q", 0);
  expect(bells.needsMore("q", 1, 1)).toBe(false);
  expect(bells.needsMore("q", 2, 1)).toBe(true);
  expect(bells.needsMore("other", 1, 1)).toBe(true);
  bells.answered("q", 1);
  expect(bells.needsMore("q", 1, 2)).toBe(true);
});

it("a bell that was lost no longer counts after 15 seconds", () => {
  const bells = new Doorbells();
  bells.needsMore("q", 1, 0);
  bells.rang("q", 0);
  expect(bells.needsMore("q", 1, 14_999)).toBe(false);
  expect(bells.needsMore("q", 1, 15_000)).toBe(true);
});

it("of a queue whose consumers run few tasks at a time more of them are called", async () => {
  const rungAfter = async (isNarrow: boolean) => {
    const rig = new Rig();
    await rig.ledger.submit(Array.from({ length: 200 }, () => rig.spec()));
    rig.claim(50, { bells: 1, ...(isNarrow && { isNarrow }) });
    rig.rung.length = 0;
    await rig.ledger.submit([rig.spec()]);
    return rig.rung.length;
  };
  expect(await rungAfter(false)).toBe(0);
  expect(await rungAfter(true)).toBe(1);
});

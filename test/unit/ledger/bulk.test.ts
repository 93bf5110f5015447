import { expect, it } from "vitest";
import type { BulkStep } from "#platform/ledger/bulk.ts";
import { FIRST_POSITION, type Position } from "#platform/ledger/selection.ts";
import { Rig } from "./rig.ts";

it.each([
  ["purge", (rig: Rig, from: Position) => rig.ledger.purgeSome("default", from)],
  ["revoke", (rig: Rig, from: Position) => rig.ledger.revokeSome({ owner: "o" }, from, false)],
])(
  "a %s of large tasks takes a few at a time, and comes to all",
  async (_what, step: (rig: Rig, from: Position) => BulkStep) => {
    const rig = new Rig();
    const kwargs = JSON.stringify({ text: "x".repeat(250_000) });
    const specs = Array.from({ length: 60 }, (_, n) =>
      rig.spec({ kwargs, dueAt: n % 3 === 0 ? rig.now + 9_000 : null }),
    );
    await rig.ledger.submit(specs);
    const counts: number[] = [];
    for (let from: Position | null = FIRST_POSITION; from !== null;) {
      const { revoked, next } = step(rig, from);
      counts.push(revoked);
      from = next;
    }
    // Five hundred of them, with what is kept of their ends, are more than an object may have in memory.
    expect(Math.max(...counts)).toBeLessThan(20);
    expect(specs.map(({ id }) => rig.ledger.get(id)?.state)).toEqual(specs.map(() => "REVOKED"));
  },
);

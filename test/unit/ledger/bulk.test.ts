import { expect, it } from "vitest";
import type { BulkStep } from "#platform/ledger/bulk.ts";
import { FIRST_POSITION, type Position } from "#platform/ledger/selection.ts";
import { DownHistory, fill, Rig } from "./rig.ts";

const STEPS: readonly [what: string, step: (rig: Rig, from: Position) => BulkStep][] = [
  ["purge", (rig, from) => rig.ledger.purgeSome("default", from)],
  ["revoke", (rig, from) => rig.ledger.revokeSome({ owner: "o" }, from, false)],
];

it.each(STEPS)(
  "a %s of large tasks takes a few at a time, and comes to all",
  async (_what, step) => {
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

it.each(STEPS)(
  "while there is no memory for more ends a %s of many ends none, and then goes on where it was",
  async (_what, step) => {
    const history = new DownHistory();
    const rig = new Rig({ history });
    await rig.ledger.submit([rig.spec(), rig.spec()]);
    await fill(rig);
    const from = { parked: 0, id: "0" };
    expect(step(rig, from)).toEqual({ revoked: 0, marked: 0, next: from, isFull: true });
    expect(rig.ledger.stats()).toEqual({ ready: 2, running: 0, unflushed: 140 });

    history.isUp = true;
    await rig.pass(30_000);
    rig.ledger.tick();
    void rig.world.sleep(0);
    await rig.pass(1_000);
    expect(step(rig, from)).toEqual({ revoked: 2, marked: 0, next: null });
  },
);

import { expect, it } from "vitest";
import { Doorbells } from "#platform/ledger/bells.ts";
import { Rig, success } from "./rig.ts";

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

/** Tasks that all come due by now. */
async function rigWithDue(count: number): Promise<Rig> {
  const rig = new Rig();
  const dueAt = rig.now + 1_000;
  await rig.ledger.submit(Array.from({ length: count }, () => rig.spec({ dueAt })));
  await rig.pass(1_000);
  rig.ledger.tick();
  return rig;
}

/** The bells that ring when a consumer has claimed what it can take, and is busy with it. */
async function rungByClaim(rig: Rig): Promise<number> {
  rig.rung.length = 0;
  rig.claim(50, { bells: 1, isNarrow: true });
  await rig.pass(50);
  return rig.rung.length;
}

it("what a claim leaves of tasks that came due calls for another consumer, as long as there may be one", async () => {
  const rig = await rigWithDue(4_000);
  const rung: number[] = [];
  for (let claims = 0; claims < 65; claims += 1) rung.push(await rungByClaim(rig));
  expect(rung).toEqual([...Array.from({ length: 63 }, () => 1), 0, 0]);
});

it("a claim that leaves nothing that may start calls for nobody", async () => {
  const rig = await rigWithDue(50);
  await rig.ledger.submit([rig.spec({ dueAt: rig.now + 60_000 })]);
  expect(await rungByClaim(rig)).toBe(0);
});

it("a suspect that ends all consumers, again and again, does not have the others fail with it", async () => {
  const rig = await rigWithDue(20);
  const poison = rig.claim(50, { bells: 1 }).tasks[7]?.id ?? "";
  const ids = new Set<string>();
  const alone = new Map<string, { token: number; until: number }>();
  await rig.pass(30_000);
  rig.ledger.tick();
  while (rig.sql.peek("SELECT id FROM tasks").length > 0) {
    await rig.pass(100);
    if (rig.armedAt !== null && rig.armedAt <= rig.now) rig.ledger.tick();
    const over = [...alone].filter(([, { until }]) => until <= rig.now);
    if (over.some(([id]) => id === poison)) alone.clear();
    else {
      for (const [id, { token }] of over) {
        alone.delete(id);
        rig.claim(0, { settlements: [success(id, token)] });
      }
      rig.ledger.heartbeat(new Map(Array.from(alone, ([id, { token }]) => [token, [id]])));
    }
    const coming = rig.rung.splice(0).length;
    for (let consumer = 0; consumer < coming; consumer += 1) {
      const { tasks, token } = rig.claim(50, { bells: 1, isNarrow: true });
      for (const { id } of tasks) {
        ids.add(id);
        alone.set(id, { token, until: rig.now + (id === poison ? 5_000 : 15_000) });
      }
    }
  }
  await rig.pass(1_000);
  const failed = [...ids].filter((id) => rig.history.get(id)?.state === "FAILURE");
  expect(failed).toEqual([poison]);
});

it("what a claim leaves calls for another consumer, whatever a transaction that failed before had taken", async () => {
  const rig = new Rig();
  await rig.ledger.submit(Array.from({ length: 100 }, () => rig.spec()));
  rig.claim(50, { bells: 1 });
  const committed = () => undefined;
  rig.sql.setHooks({
    around: (sql, run) => {
      if (sql === "COMMIT") throw new Error("storage is out of order for a moment");
      return run();
    },
    committed,
  });
  expect(() => rig.claim(50)).toThrow("out of order");
  rig.sql.setHooks({ around: (_sql, run) => run(), committed });
  rig.ledger.tick();
  rig.claim(10, { bells: 1 });
  rig.rung.length = 0;
  await rig.pass(50);
  expect(rig.rung).toEqual(["default"]);
});

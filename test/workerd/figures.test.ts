import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { endedOf, type FiguresByTask } from "#engine";
import { claiming, spec, succeeding, withLedger } from "./ledger.ts";

const MINUTE = 60_000;

it("what was counted survives an eviction of the object, at no row of its own", async () => {
  const stub = env.LEDGER.getByName("shard-910");
  const queue = "nobody-listens";
  const finish = async (count: number) => {
    await stub.submit(Array.from({ length: count }, () => spec(910, { queue })));
    const { token, tasks } = await stub.exchange({ ...claiming(count), queue });
    const ids = tasks.map(({ id }) => id);
    await stub.exchange({ ...succeeding(token, ids), queue });
  };
  await finish(3);
  await evictDurableObject(stub);
  expect(sum(await stub.figuresTotal())).toBe(3);
  const { ledgerRows: before } = await stub.stats();
  await finish(2);
  expect(sum(await stub.figuresTotal())).toBe(5);
  // Insert and delete of each task, the lease, the outcomes, an alarm.
  const { ledgerRows: after } = await stub.stats();
  expect(after - before).toBeLessThanOrEqual(7);
});

it("on real storage, minutes are put away, folded and deleted over restarts, and the total stays", async () => {
  await withLedger(async ({ world, ledger, restart, shard }) => {
    let current = ledger;
    for (let minute = 0; minute < 30; minute += 1) {
      await current.submit([spec(shard), spec(shard)]);
      const { token, tasks } = current.exchange(claiming(5));
      current.exchange(
        succeeding(
          token,
          tasks.map(({ id }) => id),
        ),
      );
      world.now += MINUTE;
      if (minute % 3 === 0) current.tidy(30);
      current = restart();
    }
    const series = (step: number) =>
      current.questions
        .figures(0, Number.MAX_SAFE_INTEGER, step)
        .map(({ figures }) => sum(figures));
    expect(series(1)).toEqual(Array.from({ length: 30 }, () => 2));
    world.now += 3 * 60 * MINUTE;
    current.tidy(30);
    current = restart();
    // Twice ten minutes, and those of the newest ten.
    expect(series(1).length).toBeLessThanOrEqual(12);
    expect(series(1).reduce((all, each) => all + each, 0)).toBe(60);
    world.now += 40 * 1_440 * MINUTE;
    current.tidy(30);
    expect(series(60).reduce((all, each) => all + each, 0)).toBeLessThan(60);
    expect(sum(restart().questions.figuresTotal())).toBe(60);
  });
});

function sum(figures: FiguresByTask): number {
  return Object.values(figures).reduce((total, each) => total + endedOf(each), 0);
}

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

it.each([false, true])(
  "a suspect that ends all consumers, again and again, does not have the others fail with it; with other work: %s",
  async (isBusy) => {
    const rig = await rigWithDue(20);
    const { tasks: lost } = rig.claim(50, { bells: 1 });
    const poison = lost[7]?.id ?? "";
    const alone = new Map<string, { token: number; until: number }>();
    const come = () => {
      for (;;) {
        const { tasks, token, isSolo } = rig.claim(50, { bells: 1, isNarrow: true });
        if (tasks.length === 0) return;
        for (const { id } of tasks) {
          if (isSolo) alone.set(id, { token, until: rig.now + (id === poison ? 5_000 : 15_000) });
        }
        if (isSolo) return;
        rig.claim(0, { settlements: tasks.map(({ id }) => success(id, token)) });
      }
    };
    await rig.pass(30_000);
    rig.ledger.tick();
    while (lost.some(({ id }) => rig.ledger.get(id)?.finishedAt === null)) {
      await rig.pass(500);
      if (isBusy) await rig.ledger.submit([rig.spec()]);
      if (rig.armedAt !== null && rig.armedAt <= rig.now) rig.ledger.tick();
      const over = [...alone].filter(([, { until }]) => until <= rig.now);
      if (over.some(([id]) => id === poison)) alone.clear();
      for (const [id, { token }] of alone.size === 0 ? [] : over) {
        alone.delete(id);
        rig.claim(0, { settlements: [success(id, token)] });
      }
      rig.ledger.heartbeat(new Map(Array.from(alone, ([id, { token }]) => [token, [id]])));
      for (const _bell of rig.rung.splice(0)) come();
    }
    await rig.pass(1_000);
    const failed = lost.filter(({ id }) => rig.history.get(id)?.state === "FAILURE");
    expect(failed.map(({ id }) => id)).toEqual([poison]);
  },
);

it("suspects start side by side; one that was lost alone when no other runs, and others twenty seconds later", async () => {
  const rig = new Rig();
  const [first, second] = [rig.spec({ priority: 9 }), rig.spec({ priority: 8 })];
  const third = rig.spec();
  await rig.ledger.submit([first, second, third]);
  rig.claim(50, { bells: 1 });
  await rig.pass(30_000);
  rig.ledger.tick();
  const next = () => {
    const { isSolo, token, tasks } = rig.claim(50);
    return { id: tasks[0]?.id, isSolo, token };
  };
  expect(next()).toMatchObject({ id: first.id, isSolo: true });
  expect(next()).toMatchObject({ id: second.id, isSolo: true });
  await rig.pass(30_000);
  rig.ledger.tick();
  const alone = next();
  expect(alone).toMatchObject({ id: first.id, isSolo: true });
  expect(next().id).toBeUndefined();
  const plain = rig.spec({ dueAt: rig.now + 1_000 });
  await rig.ledger.submit([plain]);
  await rig.pass(19_999);
  rig.ledger.heartbeat(new Map([[alone.token, [first.id]]]));
  expect(next()).toMatchObject({ id: plain.id, isSolo: false });
  expect(next().id).toBeUndefined();
  await rig.pass(1);
  const beside = next();
  expect(beside).toMatchObject({ id: third.id, isSolo: true });
  rig.claim(0, { settlements: [success(first.id, alone.token)] });
  expect(next().id).toBeUndefined();
  rig.claim(0, { settlements: [success(third.id, beside.token)] });
  expect(next()).toMatchObject({ id: second.id, isSolo: true });
});

it("a suspect comes to its run though there is always somebody with a higher priority before it", async () => {
  const rig = new Rig();
  const suspect = rig.spec();
  await rig.ledger.submit([suspect]);
  rig.claim();
  const alone: string[] = [];
  // Its lease expires after 30 of them.
  for (let seconds = 0; seconds < 60; seconds += 1) {
    await rig.ledger.submit([rig.spec({ priority: 5 })]);
    const { tasks, token, isSolo } = rig.claim();
    if (isSolo) alone.push(...tasks.map(({ id }) => id));
    rig.claim(0, { settlements: tasks.map(({ id }) => success(id, token)) });
    await rig.pass(1_000);
  }
  expect(alone).toEqual([suspect.id]);
});

it("of suspects that are passed over the one that is first in line comes first", async () => {
  const rig = new Rig();
  const suspects = [3, 1, 1].map((priority) => rig.spec({ priority }));
  const wanted = suspects.toSorted((a, b) => b.priority - a.priority || (a.id < b.id ? -1 : 1));
  await rig.ledger.submit(suspects);
  rig.claim();
  await rig.pass(60_000);
  rig.ledger.tick();
  await rig.pass(11_000);
  const alone: string[] = [];
  for (let times = 0; times < 7; times += 1) {
    await rig.ledger.submit([rig.spec({ priority: 5 })]);
    const { tasks, token, isSolo } = rig.claim();
    if (isSolo) alone.push(...tasks.map(({ id }) => id));
    rig.claim(0, { settlements: tasks.map(({ id }) => success(id, token)) });
  }
  expect(alone).toEqual(wanted.map(({ id }) => id));
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

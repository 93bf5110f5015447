import { expect, it } from "vitest";
import { describeError, type Settlement } from "#engine";
import { ParkedTasks } from "#platform/ledger/memory/parked.ts";
import type { SqlPort } from "#platform/ledger/ports.ts";
import { Rig, success } from "./rig.ts";

/** A ledger, and how often it read its parked tasks, and how many of them. */
function watchedRig() {
  const rig = new Rig();
  const reads = { count: 0, rows: 0 };
  function* counted<Row>(rows: Iterable<Row>): Generator<Row> {
    for (const row of rows) {
      reads.rows += 1;
      yield row;
    }
  }
  const sql: SqlPort = {
    exec: (statement, ...params) => {
      if (!statement.startsWith("SELECT * FROM tasks WHERE parked = 1")) {
        return rig.sql.exec(statement, ...params);
      }
      reads.count += 1;
      return counted(rig.sql.exec(statement, ...params));
    },
    transaction: (fn) => rig.sql.transaction(fn),
  };
  const restart = () => {
    rig.ledger = rig.create({ sql });
  };
  restart();
  return { rig, reads, restart };
}

it("while none is due yet, parked tasks are not read for a claim, nor for an end", async () => {
  const { rig, reads } = watchedRig();
  const dueAt = rig.now + 60_000;
  await rig.ledger.submit([rig.spec({ dueAt })]);
  for (let times = 0; times < 5; times += 1) {
    const { id } = rig.spec();
    await rig.ledger.submit([rig.spec({ id })]);
    const { token, tasks } = rig.claim();
    expect(tasks).toMatchObject([{ id }]);
    rig.claim(10, { settlements: [success(id, token)] });
  }
  expect(reads.count).toBe(0);
  await rig.pass(60_000);
  expect(rig.claim().tasks).toHaveLength(1);
});

it("after a restart one look tells until when none is due", async () => {
  const { rig, reads, restart } = watchedRig();
  await rig.ledger.submit([rig.spec({ dueAt: rig.now + 60_000 })]);
  restart();
  expect(rig.claim().tasks).toEqual([]);
  const known = reads.count;
  expect(rig.claim().tasks).toEqual([]);
  expect(reads.count).toBe(known);
  await rig.pass(60_000);
  expect(rig.claim().tasks).toHaveLength(1);
});

it("what is parked to be due earlier than the others is found when it is", async () => {
  const { rig } = watchedRig();
  const [late, early] = [
    rig.spec({ dueAt: rig.now + 60_000 }),
    rig.spec({ dueAt: rig.now + 10_000 }),
  ];
  await rig.ledger.submit([late]);
  expect(rig.claim().tasks).toEqual([]);
  await rig.ledger.submit([early]);
  await rig.pass(10_000);
  expect(rig.claim().tasks).toMatchObject([{ id: early.id }]);
  await rig.pass(50_000);
  expect(rig.claim().tasks).toMatchObject([{ id: late.id }]);
});

it("what runs is not read again by every claim, however much does", async () => {
  const { rig, reads, restart } = watchedRig();
  const dueAt = rig.now + 1_000;
  await rig.ledger.submit(Array.from({ length: 2_000 }, () => rig.spec({ dueAt })));
  await rig.pass(1_000);
  const claimed = Array.from({ length: 20 }, () => rig.claim(50).tasks).flat();
  expect(claimed).toHaveLength(1_000);
  expect(reads.rows).toBeLessThan(3_000);
  restart();
  expect(rig.claim(50).tasks).toHaveLength(50);
  reads.rows = 0;
  for (let times = 0; times < 18; times += 1) rig.claim(50);
  expect(reads.rows).toBeLessThan(3_000);
  expect(rig.claim(100).tasks).toHaveLength(50);
});

it("what ran and waits again is found, also at the very time at which all that runs was due", async () => {
  const { rig } = watchedRig();
  const dueAt = rig.now + 1_000;
  const [a, b, c] = [rig.spec({ dueAt }), rig.spec({ dueAt }), rig.spec({ dueAt })];
  const all = [a, b, c].toSorted((x, y) => (x.id < y.id ? -1 : 1));
  await rig.ledger.submit(all);
  await rig.pass(1_000);
  const { token, tasks } = rig.claim();
  expect(tasks).toHaveLength(3);
  expect(rig.claim().tasks).toEqual([]);
  const again = (id: string): Settlement => ({
    ...success(id, token),
    outcome: { kind: "retry", error: describeError(new Error("once more")), delayMs: 0 },
  });
  const first = tasks[0]?.id ?? "";
  const next = rig.claim(10, { settlements: [again(first)] });
  expect(next.tasks).toMatchObject([{ id: first }]);
  // While they run others come, and all are lost then.
  await rig.ledger.submit([rig.spec({ dueAt: rig.now + 1 })]);
  await rig.pass(30_000);
  rig.ledger.tick();
  const ran = Array.from({ length: 4 }, () => rig.claim().tasks.map(({ id }) => id));
  expect(new Set(ran.flat()).size).toBe(4);
});

it("gates whose tasks are gone before they are due are forgotten by who looks next", () => {
  const { rig } = watchedRig();
  rig.ledger.stats();
  const parked = new ParkedTasks(rig.sql);
  const place = { queue: "default", gate: ":k", priority: 0 };
  parked.note(place.queue, place.gate, place.priority, rig.now + 60_000);
  expect([...parked.due(place.queue, place.gate, 0, () => false, rig.now)]).toEqual([]);
  expect([...parked.gates("default")]).toEqual([place.gate]);
  parked.left(place);
  expect([...parked.due(place.queue, place.gate, 0, () => false, rig.now)]).toEqual([]);
  expect([...parked.gates("default")]).toEqual([]);
});

it("of keyed tasks that are revoked before they are due nothing is left to look at", async () => {
  const { rig, reads } = watchedRig();
  const dueAt = rig.now + 86_400_000;
  const specs = Array.from({ length: 50 }, (_, n) => rig.spec({ key: `k${n}`, dueAt }));
  await rig.ledger.submit(specs);
  for (const { id } of specs) rig.ledger.revoke(id, false);
  rig.claim();
  expect(reads.count).toBe(50);
  rig.claim();
  expect(reads.count).toBe(50);
});

it("until when nothing is due at a gate is read once, whoever asks then", async () => {
  const rig = new Rig();
  const dueAt = rig.now + 60_000;
  await rig.ledger.submit([
    rig.spec({ key: "k", dueAt }),
    rig.spec({ key: "k", dueAt, priority: 3 }),
  ]);
  const parked = new ParkedTasks(rig.sql);
  const [gate = ""] = parked.gates("default");
  expect(parked.mayBeDue(["default"], gate, rig.now)).toBe(true);
  expect(parked.countDue(["default"], gate, rig.now, 1)).toBe(0);
  const around = () => {
    throw new Error("read again");
  };
  rig.sql.setHooks({ around, committed: () => undefined });
  expect(parked.mayBeDue(["default"], gate, rig.now)).toBe(false);
  expect(parked.dueFrom(gate, rig.now + 1)).toBe(dueAt);
  expect(parked.nextDue("default", rig.now + 1)).toBe(dueAt);
  expect(parked.mayBeDue(["default"], gate, dueAt)).toBe(true);
});

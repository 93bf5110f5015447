import { expect, it } from "vitest";
import { ParkedTasks } from "#platform/ledger/parked.ts";
import type { SqlPort } from "#platform/ledger/ports.ts";
import { Rig, success } from "./rig.ts";

/** A ledger, and how often it read its parked tasks. */
function watchedRig() {
  const rig = new Rig();
  const reads = { count: 0 };
  const sql: SqlPort = {
    exec: (statement, ...params) => {
      if (statement.startsWith("SELECT * FROM tasks WHERE parked = 1")) reads.count += 1;
      return rig.sql.exec(statement, ...params);
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

it("gates whose tasks are gone before they are due are forgotten by who looks next", () => {
  const { rig } = watchedRig();
  rig.ledger.stats();
  const parked = new ParkedTasks(rig.sql);
  const place = { queue: "default", gate: ":k", priority: 0 };
  parked.note(place.queue, place.gate, place.priority, rig.now + 60_000);
  expect([...parked.due(place.queue, place.gate, 0, rig.now)]).toEqual([]);
  expect([...parked.gates("default")]).toEqual([place.gate]);
  parked.left(place);
  expect([...parked.due(place.queue, place.gate, 0, rig.now)]).toEqual([]);
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

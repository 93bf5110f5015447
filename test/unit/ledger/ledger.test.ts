import { expect, it } from "vitest";
import { describeError, type SubmitAnswer } from "#engine";
import type { SqlValue } from "#platform/ledger/ports.ts";
import { Rig, success } from "./rig.ts";

/*
 * What the simulator (test/simulation) and its mutants found in the ledger, each by the shortest way
 * there. It goes on looking; these say what it found.
 */

it("what a failed transaction took back never gets to D1, though a flush waits at that moment", async () => {
  const rig = new Rig();
  const [first, second] = [rig.spec(), rig.spec()];
  await rig.ledger.submit([first, second]);
  const { token } = rig.claim();
  rig.claim(0, { settlements: [success(first.id, token)] });
  // The flush of the first waits for company. Meanwhile the second's end is written, but not committed.
  rig.sql.setHooks({
    around: (sql, run) => {
      if (sql === "COMMIT") throw new Error("the disk is full");
      return run();
    },
    committed: () => undefined,
  });
  const settle = () => rig.claim(0, { settlements: [success(second.id, token, '"lost"')] });
  expect(settle).toThrow("the disk is full");
  rig.sql.setHooks({ around: (_sql, run) => run(), committed: () => undefined });
  await rig.pass(1_000);
  expect([...rig.history.keys()]).not.toContain(second.id);
  rig.claim(0, { settlements: [success(second.id, token, '"kept"')] });
  await rig.pass(1_000);
  expect(rig.history.get(second.id)?.result).toBe('"kept"');
});

it("a suspect is not passed over for others because those before it have expired", async () => {
  const rig = new Rig();
  const suspect = rig.spec();
  await rig.ledger.submit([suspect]);
  rig.claim();
  const expired = rig.spec({ expiresAt: rig.now + 40_000 });
  await rig.pass(29_990);
  await rig.ledger.submit([expired]);
  await rig.pass(20);
  rig.ledger.tick();
  await rig.pass(20_000);
  const later = rig.spec();
  await rig.ledger.submit([later]);
  const first = rig.claim();
  expect(first.tasks.map(({ id }) => id)).toEqual([suspect.id]);
  expect(first.isSolo).toBe(true);
  expect(rig.ledger.get(expired.id)?.state).toBe("REVOKED");
});

it("calls that come around the look into the history, at whatever step of it, are one task", async () => {
  const calls: Promise<readonly SubmitAnswer[]>[] = [];
  /** The same call once more, after so many steps of those that wait. */
  const again = async (steps: number) => {
    for (let step = 0; step < steps; step += 1) await Promise.resolve();
    return rig.ledger.submit([spec]);
  };
  const rig = new Rig({
    history: {
      write: async () => undefined,
      fingerprints: async () => {
        if (calls.length === 0)
          calls.push(...Array.from({ length: 16 }, (_, steps) => again(steps)));
        return new Map();
      },
    },
  });
  const spec = rig.spec({ fingerprint: "call" });
  expect(await rig.ledger.submit([spec])).toEqual(["accepted"]);
  const answers = (await Promise.all(calls)).flat();
  expect(new Set(answers)).toEqual(new Set(["busy", "exists"]));
});

it("the runner of a terminated task is told so, though D1 has the task already", async () => {
  const rig = new Rig();
  const task = rig.spec();
  await rig.ledger.submit([task]);
  const { token } = rig.claim();
  rig.ledger.revoke(task.id, true);
  await rig.pass(10_000);
  expect(rig.history.has(task.id)).toBe(true);
  const gone = rig.ledger.heartbeat(new Map([[token, [task.id]]]));
  expect(gone).toEqual([{ id: task.id, reason: "revoked" }]);
});

it("an alarm that is overdue is made up for soon, whatever else is due much later", async () => {
  const rig = new Rig();
  const soon = rig.spec({ dueAt: rig.now + 10_000 });
  await rig.ledger.submit([soon]);
  expect(rig.armedAt).toBe(rig.now + 10_000);
  // The platform is late with it, and a task comes that has an hour.
  await rig.pass(16_000);
  rig.armedAt = null;
  await rig.ledger.submit([rig.spec({ dueAt: rig.now + 3_600_000 })]);
  expect(rig.armedAt).toBe(rig.now + 5_000);
});

it("an object that is woken with work overdue sets its alarm at once, not a watch's time later", async () => {
  const rig = new Rig();
  const task = rig.spec();
  await rig.ledger.submit([task]);
  await rig.pass(15_000);
  rig.create().get(task.id);
  expect(rig.armedAt).toBeLessThanOrEqual(rig.now + 1);
});

it("an idle ledger keeps no rows and sets no alarm", async () => {
  const rig = new Rig();
  const task = rig.spec();
  await rig.ledger.submit([task]);
  const { token } = rig.claim();
  rig.claim(0, { settlements: [success(task.id, token)] });
  await rig.pass(20_000);
  rig.armedAt = null;
  rig.ledger.tick();
  expect(rig.armedAt).toBeNull();
  expect(rig.sql.peek("SELECT id FROM tasks")).toEqual([]);
  expect(rig.sql.peek("SELECT tasks FROM finished")).toEqual([{ tasks: "[]" }]);
});

it("a new object that could not set its alarm sets it for all that waits as soon as it can", async () => {
  const rig = new Rig();
  const dueAt = rig.now + 5_000;
  await rig.ledger.submit([rig.spec({ dueAt })]);
  // It went off early, by the clock of another machine.
  rig.armedAt = null;
  let isBroken = true;
  rig.ledger = rig.create({
    alarm: rig.alarmTold(() => {
      if (isBroken) throw new Error("storage is out of order for a moment");
    }),
  });
  expect(() => rig.ledger.stats()).toThrow("out of order");
  isBroken = false;
  await rig.ledger.submit([rig.spec()]);
  expect(rig.armedAt ?? Infinity).toBeLessThanOrEqual(dueAt);
});

it("of many attempts the newest twenty are told, the one that runs among them", async () => {
  const rig = new Rig();
  const { id } = rig.spec();
  await rig.ledger.submit([rig.spec({ id })]);
  const error = describeError(new Error("again"));
  const outcome = { kind: "retry", delayMs: 0, error } as const;
  let { token } = rig.claim();
  for (let attempt = 1; attempt <= 25; attempt += 1) {
    rig.claim(0, { settlements: [{ id, token, outcome, runtimeMs: 0 }] });
    ({ token } = rig.claim());
  }
  const { attempts = [] } = rig.ledger.get(id) ?? {};
  expect(attempts.map(({ attempt }) => attempt)).toEqual(
    Array.from({ length: 20 }, (_, index) => index + 7),
  );
  expect(attempts.at(-1)).toMatchObject({ attempt: 26, outcome: null });
});

it("an id that comes again when its task is long forgotten is not held by the lease of that one", async () => {
  const rig = new Rig();
  const [keyed, other] = [rig.spec({ fingerprint: "f" }), rig.spec()];
  await rig.ledger.submit([other]);
  const { token } = rig.claim(1);
  await rig.ledger.submit([keyed]);
  const before = rig.claim(1);
  const settlements = [success(keyed.id, before.token), success(other.id, token)];
  rig.claim(0, { settlements });
  // What ends later takes the places of what is in D1.
  for (let n = 0; n < 3; n += 1) {
    const later = rig.spec();
    await rig.ledger.submit([later]);
    rig.claim(0, { settlements: [success(later.id, rig.claim(1).token)] });
    await rig.pass(120_000);
  }
  rig.ledger = rig.create();
  expect(await rig.ledger.submit([keyed])).toEqual(["accepted"]);
  rig.ledger = rig.create();
  rig.ledger.tick();
  expect(rig.ledger.get(keyed.id)).toMatchObject({ state: "PENDING", attempts: [] });
});

it("a claim reads few large tasks more than it gets: all that it may get would be in memory together", async () => {
  let read = 0;
  function* counted<Row extends Record<string, SqlValue>>(rows: Iterable<Row>): Generator<Row> {
    for (const row of rows) {
      if ("kwargs" in row) read += 1;
      yield row;
    }
  }
  const rig: Rig = new Rig({
    sql: {
      exec: <Row extends Record<string, SqlValue>>(sql: string, ...params: SqlValue[]) =>
        counted(rig.sql.exec<Row>(sql, ...params)),
      transaction: (run) => rig.sql.transaction(run),
    },
  });
  const kwargs = JSON.stringify({ text: "x".repeat(250_000) });
  const specs = Array.from({ length: 100 }, () => rig.spec({ kwargs }));
  for (const spec of specs) await rig.ledger.submit([spec]);
  const claimed: string[] = [];
  for (let got = 1; got > 0;) {
    read = 0;
    const { tasks } = rig.claim(200);
    expect(read).toBeLessThan(tasks.length + 10);
    claimed.push(...tasks.map(({ id }) => id));
    got = tasks.length;
  }
  expect(claimed).toEqual(specs.map(({ id }) => id));
});

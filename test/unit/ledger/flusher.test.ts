import { expect, it } from "vitest";
import { FIRST_POSITION } from "#platform/ledger/selection.ts";
import { DownHistory, fill, Rig, success } from "./rig.ts";

/** A ledger, when it wrote to D1 (ms since it began) and how many tasks, and a task that ends now. */
function flushing() {
  const writes: { at: number; tasks: number }[] = [];
  const rig: Rig = new Rig({
    history: {
      write: async (tasks) => {
        writes.push({ at: rig.now - start, tasks: tasks.length });
      },
      fingerprints: async () => new Map(),
    },
  });
  const start = rig.now;
  const endOne = async () => {
    const spec = rig.spec();
    await rig.ledger.submit([spec]);
    const { token } = rig.claim();
    rig.claim(0, { settlements: [success(spec.id, token)] });
  };
  return { rig, writes, endOne };
}

it("a task that ends alone goes to D1 after 50 ms", async () => {
  const { rig, writes, endOne } = flushing();
  await endOne();
  await rig.pass(2_000);
  await endOne();
  await rig.pass(2_000);
  expect(writes).toEqual([
    { at: 50, tasks: 1 },
    { at: 2_050, tasks: 1 },
  ]);
});

it("while tasks keep ending D1 is written to four times a second, and gets all of them", async () => {
  const { rig, writes, endOne } = flushing();
  for (let n = 0; n < 100; n += 1) {
    await endOne();
    await rig.pass(40);
  }
  await rig.pass(1_000);
  expect(writes.length).toBeLessThanOrEqual(18);
  expect(writes.reduce((sum, { tasks }) => sum + tasks, 0)).toBe(100);
});

it("a write to D1 that is never answered is made again", async () => {
  let writes = 0;
  const rig = new Rig({
    history: {
      write: () => {
        writes += 1;
        return writes === 1 ? new Promise<never>(() => undefined) : Promise.resolve();
      },
      fingerprints: async () => new Map(),
    },
  });
  const spec = rig.spec();
  await rig.ledger.submit([spec]);
  rig.claim(0, { settlements: [success(spec.id, rig.claim().token)] });
  await rig.pass(90_000);
  rig.ledger.tick();
  await rig.pass(1_000);
  expect(writes).toBe(2);
  expect(rig.ledger.stats().unflushed).toBe(0);
});

it("a look into the history that is never answered ends: the same call is taken some time", async () => {
  let looks = 0;
  const rig = new Rig({
    history: {
      write: async () => undefined,
      fingerprints: () => {
        looks += 1;
        return looks === 1 ? new Promise<never>(() => undefined) : Promise.resolve(new Map());
      },
    },
  });
  const spec = rig.spec({ fingerprint: "f" });
  const first = rig.ledger.submit([spec]);
  const refused = expect(first).rejects.toMatchObject({ code: "timed_out", retryable: true });
  expect(await rig.ledger.submit([spec])).toEqual(["busy"]);
  await rig.pass(60_000);
  expect(await rig.ledger.submit([spec])).toEqual(["accepted"]);
  await refused;
});

it("many that end together go at once", async () => {
  const { rig, writes } = flushing();
  const specs = Array.from({ length: 250 }, () => rig.spec());
  await rig.ledger.submit(specs);
  const { token } = rig.claim(250);
  rig.claim(0, { settlements: specs.map(({ id }) => success(id, token)) });
  await rig.pass(10);
  expect(writes).toEqual([{ at: 0, tasks: 250 }]);
});

it("while more waits for D1 than memory is there for, nothing is taken or started; when D1 has it, a consumer is called", async () => {
  const history = new DownHistory();
  const rig = new Rig({ history });
  const waiting = rig.spec();
  await rig.ledger.submit([waiting, ...Array.from({ length: 9 }, () => rig.spec())]);
  await fill(rig);
  rig.rung.length = 0;

  expect(rig.claim().tasks).toEqual([]);
  rig.claim(0);
  await rig.pass(30_000);
  rig.ledger.tick();
  await rig.pass(1_000);
  expect(rig.rung).toEqual([]);
  expect(rig.ledger.questions.whyWaiting(waiting.id)).toEqual({ reason: "history_behind" });
  await expect(rig.ledger.submit([rig.spec()])).rejects.toThrow("too far behind");

  history.isUp = true;
  await rig.pass(30_000);
  rig.ledger.tick();
  await rig.pass(1_000);
  expect(rig.armedAt).toBeLessThanOrEqual(rig.now);
  rig.ledger.tick();
  expect(rig.rung).toEqual(["default"]);
  expect(rig.claim().tasks).toHaveLength(10);
});

it("large tasks go to D1 by few: with their rows, written once more, they are in memory together", async () => {
  const written: number[] = [];
  const rig = new Rig({
    history: {
      write: async (tasks) => {
        written.push(JSON.stringify(tasks).length);
      },
      fingerprints: async () => new Map(),
    },
  });
  await rig.ledger.submit(Array.from({ length: 100 }, () => rig.spec()));
  const { tasks, token } = rig.claim(100);
  const result = JSON.stringify("x".repeat(250_000));
  rig.claim(0, { settlements: tasks.map(({ id }) => success(id, token, result)) });
  await rig.pass(1_000);
  expect(Math.max(...written)).toBeLessThan(5_000_000);
  expect(rig.ledger.stats().unflushed).toBe(0);
});

it("what ends beyond the memory for it is read from its row, also by a new object, and D1 gets all", async () => {
  const history = new DownHistory();
  const rig = new Rig({ history });
  const kwargs = JSON.stringify({ text: "x".repeat(250_000) });
  const late = Array.from({ length: 100 }, () => rig.spec({ kwargs, queue: "emails" }));
  await rig.ledger.submit(late);
  await fill(rig);
  let read = 0;
  const around = <T>(sql: string, run: () => T): T => {
    if (sql.startsWith("SELECT tasks FROM finished")) read += 1;
    return run();
  };
  rig.sql.setHooks({ around, committed: () => undefined });
  const { revoked } = rig.ledger.purgeSome("emails", FIRST_POSITION);
  expect(revoked).toBeGreaterThan(10);
  const ids = late.map(({ id }) => id).sort();
  ids.length = revoked;
  const states = () => ids.map((id) => rig.ledger.get(id)?.state);
  expect(states()).toEqual(ids.map(() => "REVOKED"));
  expect(read).toBe(revoked);

  rig.ledger = rig.create({ history });
  read = 0;
  expect(states()).toEqual(ids.map(() => "REVOKED"));
  expect(read).toBe(revoked);
  expect(rig.ledger.stats().unflushed).toBe(140 + revoked);

  history.isUp = true;
  rig.ledger.tick();
  await rig.pass(60_000);
  expect(rig.ledger.stats().unflushed).toBe(0);
  expect(history.taken).toHaveLength(140 + revoked);
  expect(history.taken).toEqual(expect.arrayContaining(ids));
});

it("what D1 has is deleted after a day, but for the row that the next start goes on from", async () => {
  const { rig, endOne } = flushing();
  const rows = () => rig.sql.peek<{ tasks: string }>("SELECT tasks FROM finished");
  for (let n = 0; n < 3; n += 1) await endOne();
  await rig.pass(1_000);
  expect(rows()).toHaveLength(3);
  await rig.pass(86_300_000);
  rig.ledger.tidy(30);
  expect(rows()).toHaveLength(3);
  await rig.pass(200_000);
  rig.ledger.tidy(30);
  expect(rows()).toEqual([{ tasks: "[]" }]);
});

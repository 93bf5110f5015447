import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { mintTaskId, type FinishedTask } from "#engine";
import { History } from "../../../src/platform/history/history.ts";
import { SpareRows } from "../../../src/platform/history/spare-rows.ts";
import { noSpans } from "../../../src/platform/trace/spans.ts";
import { HistoryPruner } from "../../../src/platform/history/pruner.ts";
import { Meter, meteredDatabase } from "./meter.ts";
import { emptyTables, rows } from "./shop.ts";

const DAY_MS = 86_400_000;
const NOW = 1_900_000_000_000;
let minted = 0;

beforeEach(emptyTables);

it("a plain success costs one row, and writing it again none", async () => {
  const history = new History(env.DB);
  await history.write([finished("1")]);
  expect(history.rowsWritten).toBe(1);
  await history.write([finished("1"), finished("1")]);
  expect(history.rowsWritten).toBe(1);
});

it("a hundred successes are one statement and a hundred rows", async () => {
  const history = new History(env.DB);
  await history.write(Array.from({ length: 100 }, (_, index) => finished(`${index}`)));
  expect(history.rowsWritten).toBe(100);
});

it("what was written first stays, whatever comes later", async () => {
  const history = new History(env.DB);
  const task = finished("1");
  await history.write([task]);
  await history.write([{ ...task, state: "FAILURE", result: null, finishedAt: 9 }]);
  expect(await history.find("1")).toEqual(task);
});

it.each([
  ["success", finished("1")],
  ["result null", finished("1", { result: null })],
  ["result of null", finished("1", { result: "null" })],
  [
    "texts that need care",
    finished("1", { owner: "Ж'\"\\", result: JSON.stringify("\0\uD800 😀 \u2028") }),
  ],
  ["spaces in JSON", finished("1", { kwargs: '{ "a" : 1e3 }', result: '{"a":1.0}' })],
  [
    "dead letter",
    finished("1", {
      state: "FAILURE",
      result: null,
      isDeadLettered: true,
      retries: 3,
      dueAt: 1_795_205_734_500,
      expiresAt: 1_795_205_799_000,
      fingerprint: "f".repeat(64),
      options: { max_retries: null, time_limit: 1.5 },
      error: { exc_type: "E", exc_message: "что\0?", traceback: null },
      attempts: [
        {
          attempt: 4,
          startedAt: 1,
          finishedAt: 2,
          outcome: "failure",
          error: { exc_type: "E", exc_message: "что\0?", traceback: "at x" },
        },
      ],
    }),
  ],
])("find answers what was written, byte for byte: %s", async (_label, task) => {
  const history = new History(env.DB);
  await history.write([task]);
  expect(await history.find("1")).toEqual(task);
});

it("find answers null for an id that it does not know", async () => {
  expect(await new History(env.DB).find("unknown")).toBeNull();
});

it("fingerprints tells known ids, with and without one, from unknown ones", async () => {
  const history = new History(env.DB);
  await history.write([finished("1", { fingerprint: "abc" }), finished("2")]);
  expect(await history.fingerprints(["1", "2", "3"])).toEqual(
    new Map([
      ["1", "abc"],
      ["2", null],
    ]),
  );
  expect(await history.fingerprints([])).toEqual(new Map());
});

it("a result nested deeper than SQLite's JSON goes does not hold the others back", async () => {
  const history = new History(env.DB);
  const deep = `${"[".repeat(5_000)}${"]".repeat(5_000)}`;
  await history.write([finished("1", { result: deep }), finished("2")]);
  expect((await history.find("1"))?.result).toBe(deep);
  expect(await history.find("2")).not.toBeNull();
});

it("large tasks are spread over statements whose parameters D1 takes", async () => {
  const sizes: number[] = [];
  const large = JSON.stringify("x".repeat(700_000));
  const tasks = ["1", "2", "3", "4"].map((id) => finished(id, { result: large }));
  await new History(measured(sizes)).write(tasks);
  expect(Math.max(...sizes)).toBeLessThan(2_000_000);
  expect(await rows("SELECT count(*) AS count FROM tasks")).toEqual([{ count: 4 }]);
});

it.each([
  ["many small tasks", Array.from({ length: 1_000 }, (_, id) => textOf(`${id}`, "漢", 900))],
  ["one task of three-byte characters", [textOf("1", "漢", 349_000)]],
  ["one task of quotes, escaped twice", [textOf("1", '"', 524_000)]],
])("parameters fit into D1's two megabytes, whatever the script: %s", async (_label, tasks) => {
  const sizes: number[] = [];
  const history = new History(measured(sizes));
  await history.write(tasks);
  await history.write(tasks);
  expect(Math.max(...sizes)).toBeLessThan(2_000_000);
  expect(history.rowsWritten).toBe(tasks.length);
  const task = tasks.at(-1);
  expect(await history.find(task?.id ?? "")).toEqual(task);
});

it("nothing to write is no statement", async () => {
  const sizes: number[] = [];
  await new History(measured(sizes)).write([]);
  expect(sizes).toEqual([]);
});

/** A finished task whose id was minted, and that ended at once, so many days ago. */
function ago(days: number, over: Partial<FinishedTask> = {}): FinishedTask {
  const at = NOW - days * DAY_MS;
  minted += 1;
  const random = new Uint8Array(8);
  new DataView(random.buffer).setUint32(4, minted);
  return finished(mintTaskId(at, 0, random), { submittedAt: at, finishedAt: at, ...over });
}

/** A history that keeps tasks for 30 days, with what it has already, its clock, and how its database was asked. */
async function keeping(...tasks: FinishedTask[]) {
  await new History(env.DB).write(tasks);
  const clock = { at: NOW, now: () => clock.at };
  const meter = new Meter();
  const db = meteredDatabase(env.DB, meter);
  const history = new History(db, noSpans, new SpareRows(db, clock, 30 * DAY_MS));
  return { history, clock, meter };
}

const idsIn = async () => (await rows("SELECT id FROM tasks ORDER BY id")).map(({ id }) => id);
const idsOf = (...tasks: FinishedTask[]) => tasks.map(({ id }) => id).toSorted();

describe("rows whose time is over", () => {
  it("are written over, the oldest first: a purge that is no row more", async () => {
    const old = [ago(30.9), ago(30.5), ago(30.1)] as const;
    const { history } = await keeping(...old);
    const fresh = [ago(0), ago(0, { result: null, kwargs: '{"data":"é\\"\\u0000"}' })] as const;
    await history.write(fresh);
    expect(history.rowsWritten).toBe(2);
    expect(await idsIn()).toEqual(idsOf(old[2], ...fresh));
    for (const task of fresh) expect(await new History(env.DB).find(task.id)).toEqual(task);
    await history.write(fresh);
    expect(history.rowsWritten).toBe(2);
    expect(await idsIn()).toEqual(idsOf(old[2], ...fresh));
  });

  it("keep nothing of who had them: a dead letter that was dealt with", async () => {
    const dead = ago(30.5, { state: "FAILURE", result: null, isDeadLettered: true });
    const { history } = await keeping(dead);
    await env.DB.prepare("UPDATE tasks SET resolution = 'discarded'").run();
    const fresh = ago(0);
    await history.write([fresh]);
    expect(await idsIn()).toEqual([fresh.id]);
    expect(await new History(env.DB).find(fresh.id)).toEqual(fresh);
  });

  it("are left to the pruner where it takes more to delete them, and all others stay", async () => {
    const kept = [
      ago(29.9),
      ago(0),
      ago(30.5, { finishedAt: NOW - 29 * DAY_MS }),
      ago(30.5, { options: { labels: { customer: "1" } } }),
      // Its end was expected within ten minutes.
      ago(30 + 9 / 1_440),
      ago(30.5, { large: { key: "results/1", bytes: 3 }, result: null }),
      { ...ago(40), id: `f${ago(40).id.slice(1)}` },
      ago(31.1),
    ] as const;
    const { history } = await keeping(...kept);
    const fresh = ago(0);
    await history.write([fresh]);
    expect(await idsIn()).toEqual(idsOf(...kept, fresh));
    expect(history.rowsWritten).toBe(1);
  });

  it("that are fewer than the new tasks: the others are inserted, and none is looked for in the next minute", async () => {
    const { history, clock, meter } = await keeping(ago(30.5));
    const first = [ago(0), ago(0), ago(0)];
    await history.write(first);
    expect(await idsIn()).toEqual(idsOf(...first));
    expect(history.rowsWritten).toBe(3);
    const later = ago(30.5);
    await new History(env.DB).write([later]);
    meter.statements.length = 0;
    const second = ago(0);
    clock.at += 59_999;
    await history.write([second]);
    expect(meter.statements).toHaveLength(1);
    expect(await idsIn()).toEqual(idsOf(later, ...first, second));
    clock.at += 1;
    const third = ago(0);
    await history.write([third]);
    expect(await idsIn()).toEqual(idsOf(...first, second, third));
  });

  it("are found behind those that can't be written over, look by look, without waiting", async () => {
    const clutter = Array.from({ length: 500 }, () => ago(30.6, { finishedAt: NOW - DAY_MS }));
    const { history } = await keeping(...clutter, ago(30.5));
    const filledBy: number[] = [];
    for (let n = 0; n < 4; n += 1) {
      await history.write([ago(0)]);
      filledBy.push((await idsIn()).length);
    }
    // The third finds it.
    expect(filledBy).toEqual([502, 503, 503, 504]);
  });

  it("serve all that end in a steady flow: of several shards, with latency, labels and waits", async () => {
    const MINUTE_MS = 60_000;
    // A month ago as now: twenty a second, of which one is labelled, one waited for hours, and all took a while.
    const ends = Array.from({ length: 8 * 60 * 20 }, (_, n) => {
      const at = NOW - 30 * DAY_MS - 14 * MINUTE_MS + n * 50;
      const took = n % 20 === 13 ? 300 * MINUTE_MS : 50 + (n % 10) * 100;
      const labels = n % 20 === 7 && { options: { labels: { customer: "1" } } };
      return ago((NOW - at) / DAY_MS, { finishedAt: at + took, ...labels });
    });
    await new History(env.DB).write(ends);
    const clock = { at: NOW, now: () => clock.at };
    const shards = Array.from(
      { length: 4 },
      () => new History(env.DB, noSpans, new SpareRows(env.DB, clock, 30 * DAY_MS)),
    );
    const parts = { db: env.DB, results: env.RESULTS, clock, keptDays: 30 };
    const fresh: FinishedTask[] = [];
    for (; clock.at < NOW + 4 * MINUTE_MS; clock.at += 2_000) {
      if (clock.at % 30_000 === 0) await new HistoryPruner(parts).run();
      for (const shard of shards) {
        const tasks = Array.from({ length: 9 }, () => ago((NOW - clock.at) / DAY_MS));
        fresh.push(...tasks);
        await shard.write(tasks);
      }
    }
    const left = new Set(await idsIn());
    expect(fresh.filter(({ id }) => !left.has(id))).toEqual([]);
    const gone = ends.filter(({ id }) => !left.has(id));
    const labelled = gone.filter(({ options }) => options.labels !== undefined);
    // New tasks have the rows of old ones, but for the end of a look. What can't be written over went by itself.
    expect((gone.length - labelled.length) / fresh.length).toBeGreaterThan(0.99);
    expect(labelled.length).toBeGreaterThan(200);
    expect(gone.every(({ finishedAt }) => finishedAt < clock.at - 30 * DAY_MS)).toBe(true);
  });

  it("twice the same task in one write takes one of them", async () => {
    const { history } = await keeping(ago(30.2), ago(30.1));
    const fresh = ago(0);
    await history.write([fresh, fresh]);
    expect(history.rowsWritten).toBe(1);
    expect(await idsIn()).toEqual([expect.any(String), fresh.id]);
  });

  it("are not needed: what can't be written over is inserted", async () => {
    const old = ago(30.5);
    const { meter, clock } = await keeping(old);
    const real = meteredDatabase(env.DB, meter);
    const broken = {
      prepare: (query: string) =>
        query.startsWith("UPDATE") ? real.prepare("SELECT nothing") : real.prepare(query),
    } as unknown as D1Database;
    const history = new History(broken, noSpans, new SpareRows(broken, clock, 30 * DAY_MS));
    const fresh = ago(0);
    await history.write([fresh]);
    expect(await idsIn()).toEqual(idsOf(old, fresh));
  });

  it("a thousand of them are written over by one statement that reads little", async () => {
    const old = Array.from({ length: 1_500 }, () => ago(30.5));
    const { history, meter } = await keeping(...old);
    const fresh = Array.from({ length: 1_000 }, () => ago(0));
    await history.write(fresh);
    expect(history.rowsWritten).toBe(1_000);
    expect(meter.statements).toHaveLength(1);
    // Each is looked at, ordered, joined and found: no row is read once for every other.
    expect(meter.rowsRead).toBeLessThan(20 * fresh.length);
    expect(await idsIn()).toEqual(idsOf(...old.slice(1_000), ...fresh));
  });
});

/** Notes the size of every parameter in bytes: D1's limit is not enforced locally. */
function measured(sizes: number[]): D1Database {
  const bytesOf = (value: unknown) => new TextEncoder().encode(String(value)).length;
  return {
    prepare(query: string) {
      const statement = env.DB.prepare(query);
      return {
        bind(...values: unknown[]) {
          sizes.push(...values.map(bytesOf));
          return statement.bind(...values);
        },
      };
    },
  } as unknown as D1Database;
}

function textOf(id: string, character: string, length: number): FinishedTask {
  return finished(id, { result: JSON.stringify(character.repeat(length)) });
}

function finished(id: string, changes: Partial<FinishedTask> = {}): FinishedTask {
  return {
    id,
    name: "process_data",
    queue: "default",
    priority: 0,
    state: "SUCCESS",
    owner: "shop",
    kwargs: '{"data":"hello"}',
    result: '{"processed_data":"HELLO"}',
    error: null,
    options: {},
    retries: 0,
    submittedAt: 1_795_205_734_000,
    dueAt: null,
    expiresAt: null,
    attempts: [
      {
        attempt: 1,
        startedAt: 1_795_205_734_001,
        finishedAt: 1_795_205_734_002,
        outcome: "success",
        error: null,
      },
    ],
    finishedAt: 1_795_205_734_002,
    isDeadLettered: false,
    fingerprint: null,
    ...changes,
  };
}

import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import type { FinishedTask } from "#engine";
import { History } from "../../../src/platform/history/history.ts";
import { emptyTables, rows } from "./shop.ts";

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

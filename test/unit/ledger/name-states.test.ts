import { expect, it } from "vitest";
import { AskTimes } from "#platform/ledger/limits/ask-times.ts";
import { ControlBook } from "#platform/ledger/limits/controls.ts";
import type { Memory } from "#platform/ledger/memory/memory.ts";
import { NameStates } from "#platform/ledger/limits/name-states.ts";
import { ParkedTasks } from "#platform/ledger/memory/parked.ts";
import { migrate } from "#platform/ledger/schema.ts";
import { SimSql } from "../../../src/testing/sim-sql.ts";

const sql = new SimSql();
migrate(sql);
const controls = new ControlBook(sql, () => null);
const memory = { controls, parked: new ParkedTasks(sql) } as Memory;

/** An object that is new at this time grants those keys that are next a start each, the next one in a minute. */
function serve(name: string, keys: ReadonlySet<string>, count: number, now: number): string[] {
  const names = new NameStates(sql, { memory: () => memory, now: () => now });
  const { times } = names.of(name);
  const next = times.inTurn(keys).slice(0, count);
  times.answered([{ key: "", count: 1 }], next);
  times.wait("", now + 60_000, false);
  for (const key of next) times.wait(key, now + 3_600_000, false);
  names.answered(name, [{ resource: "", retryAt: now + 60_000 }], now);
  return next;
}

it.each([1_000, 1_200])(
  "each of %i keys has its turn for a slow rate, though all is forgotten between two starts",
  (count) => {
    const keys = new Set(Array.from({ length: count }, (_, n) => `key ${n}`));
    for (const round of [1, 2]) {
      const served = new Set<string>();
      for (let start = 1; start <= keys.size; start += 1) {
        const at = (round * count + start) * 60_000;
        for (const key of serve(`task of ${count}`, keys, 1, at)) served.add(key);
      }
      expect(served.size).toBe(keys.size);
    }
  },
);

it("many keys that wait, each as long as it may be, have room in a row", () => {
  const keys = new Set(Array.from({ length: 2_000 }, (_, n) => `${n}`.padEnd(200, "\u0001")));
  serve("long", keys, keys.size, 60_000);
  expect(serve("long", keys, 1_000, 120_000)).toEqual([...keys].sort().slice(0, 1_000));
  const [row] = sql.peek<{ length: number }>(
    "SELECT length(waits) + length(served) AS length FROM asks WHERE name = 'long'",
  );
  expect(row?.length).toBeGreaterThan(1_100_000);
  expect(row?.length).toBeLessThan(2_000_000);
});

it("a key whose tasks come one by one has no more turns than one with a backlog", () => {
  const times = new AskTimes([]);
  const turns: string[] = [];
  for (let start = 0; start < 9; start += 1) {
    const [key = ""] = times.inTurn(new Set(["backlog", start % 2 === 0 ? "a" : "b"]));
    times.answered([{ key, count: 1 }], [key]);
    turns.push(key);
  }
  expect(turns.filter((key) => key === "backlog").length).toBeGreaterThanOrEqual(3);
});

it("keys that are gone are not remembered without end", () => {
  const times = new AskTimes([]);
  for (let n = 0; n < 2_000; n += 1) {
    times.inTurn(new Set([`${n}`]));
    times.answered([{ key: `${n}`, count: 1 }], [`${n}`]);
  }
  times.inTurn(new Set());
  expect(times.servedLast()).toHaveLength(500);
});

import { expect, it } from "vitest";
import { ControlBook } from "#platform/ledger/controls.ts";
import type { Memory } from "#platform/ledger/memory.ts";
import { NameStates } from "#platform/ledger/name-states.ts";
import { migrate } from "#platform/ledger/schema.ts";
import { SimSql } from "../../../src/testing/sim-sql.ts";

const sql = new SimSql();
migrate(sql);
const memory = { controls: new ControlBook(sql, () => null) } as Memory;

/** An object that is new at this time grants those keys that are next a start each, the next one in a minute. */
function serve(name: string, keys: ReadonlySet<string>, count: number, now: number): string[] {
  const names = new NameStates(sql, { memory: () => memory, now: () => now });
  const { times } = names.of(name);
  const next = times.inTurn(keys).slice(0, count);
  times.answered([{ key: "", count: 1 }], next);
  times.wait("", now + 60_000, false);
  names.answered(name, now);
  return next;
}

it("each of a thousand keys has its turn for a slow rate, though all is forgotten between two starts", () => {
  const keys = new Set(Array.from({ length: 1_000 }, (_, n) => `key ${n}`));
  const served = new Set<string>();
  for (let start = 1; start <= keys.size; start += 1) {
    for (const key of serve("task", keys, 1, start * 60_000)) served.add(key);
  }
  expect(served.size).toBe(keys.size);
});

it("more keys than that, each as long as it may be, have room in a row", () => {
  const keys = new Set(Array.from({ length: 2_000 }, (_, n) => `${n}`.padEnd(200, "\u0001")));
  serve("long", keys, keys.size, 60_000);
  expect(serve("long", keys, 1_000, 120_000)).toEqual([...keys].slice(0, 1_000));
});

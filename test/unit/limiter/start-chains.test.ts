import { expect, it } from "vitest";
import { NO_LIMITS, parseRate, spacingMs } from "#engine";
import { ALL } from "#platform/limiter/protocol.ts";
import { MIGRATIONS } from "#platform/limiter/schema.ts";
import { migrate } from "#platform/ledger/schema.ts";
import { StartChains } from "#platform/limiter/start-chains.ts";
import { StartTurns } from "#platform/limiter/start-turns.ts";
import { SimSql } from "../../../src/testing/sim-sql.ts";

it("a key of a fast rate is forgotten a minute after its last start", () => {
  const sql = new SimSql();
  migrate(sql, MIGRATIONS);
  const perKey = { rate: parseRate("rateLimit", "5/s"), concurrency: null };
  const limits = { ...NO_LIMITS, perKey };
  const chains = new StartChains(sql, new StartTurns(), true, 0);
  chains.take("key", perKey, 1_000);
  chains.keep([], limits, 60_500);
  expect(chains.next("key", perKey)).toBeGreaterThan(1_000);
  chains.keep([], limits, 121_000);
  expect(chains.next("key", perKey)).toBe(-Infinity);
});

const rate = { starts: 5, periodMs: 1_000 };
const fast = { rate, concurrency: null };

function startAgain(sql: SimSql, now: number): StartChains {
  return new StartChains(sql, new StartTurns(), migrate(sql, MIGRATIONS), now);
}

function grant(chains: StartChains, at: number): void {
  chains.take(ALL, fast, at);
  chains.keep([ALL], { ...NO_LIMITS, ...fast }, at);
}

it("an object that was idle until it was out of memory grants the next start of a fast rate at once", () => {
  const sql = new SimSql();
  grant(startAgain(sql, 50_000), 50_000);
  expect(startAgain(sql, 60_000).next(ALL, fast)).toBeLessThanOrEqual(60_000);
});

it("one that starts again in the middle grants none beside those that were granted before", () => {
  const sql = new SimSql();
  const chains = startAgain(sql, 50_000);
  for (let at = 50_000; at <= 65_000; at += 200) grant(chains, at);
  const again = startAgain(sql, 65_100);
  expect(again.next(ALL, fast)).toBeGreaterThanOrEqual(65_200);
  expect(again.next(ALL, fast)).toBeLessThanOrEqual(65_600 + spacingMs(rate));
});

it("the table is written once in nine fasts, however many starts are granted", () => {
  const sql = new SimSql();
  const chains = startAgain(sql, 50_000);
  let rows = 0;
  sql.setHooks({
    around: (statement, run) => {
      if (statement.startsWith("INSERT")) rows += 1;
      return run();
    },
    committed: () => undefined,
  });
  for (let at = 50_000; at < 68_000; at += 200) grant(chains, at);
  expect(rows).toBe(2);
});

it("an object of a version that had no such table waits for what that may have granted", () => {
  const sql = new SimSql();
  migrate(sql, MIGRATIONS.slice(0, 2));
  const chains = startAgain(sql, 50_000);
  expect(chains.next(ALL, fast)).toBe(50_500 + spacingMs(rate));
  grant(chains, 50_800);
  expect(startAgain(sql, 60_800).next(ALL, fast)).toBeLessThanOrEqual(60_800);
});

it("a chain that was slow before is no less known to have been granted starts of a fast rate", () => {
  const sql = new SimSql();
  const chains = startAgain(sql, 50_000);
  const slow = { rate: { starts: 1, periodMs: 60_000 }, concurrency: null };
  chains.take(ALL, slow, 50_000);
  chains.keep([ALL], { ...NO_LIMITS, ...slow }, 50_000);
  for (let at = 60_000; at <= 65_000; at += 200) grant(chains, at);
  expect(startAgain(sql, 64_900).next(ALL, fast)).toBeGreaterThanOrEqual(65_200);
});

it("what could not be written down is written down with the next start", () => {
  const sql = new SimSql();
  grant(startAgain(sql, 40_000), 40_000);
  const chains = startAgain(sql, 50_000);
  let isBroken = true;
  sql.setHooks({
    around: (statement, run) => {
      if (isBroken && statement.includes("covered")) throw new Error("the disk failed");
      return run();
    },
    committed: () => undefined,
  });
  expect(() => {
    grant(chains, 50_000);
  }).toThrow("the disk failed");
  isBroken = false;
  grant(chains, 50_200);
  expect(startAgain(sql, 50_100).next(ALL, fast)).toBeGreaterThanOrEqual(50_400);
});

it("a slow chain is remembered while its rate is a fast one for some minutes", () => {
  const sql = new SimSql();
  const chains = startAgain(sql, 50_000);
  const slow = { rate: { starts: 1, periodMs: 3_600_000 }, concurrency: null };
  chains.take(ALL, slow, 50_000);
  chains.keep([ALL], { ...NO_LIMITS, ...slow }, 50_000);
  chains.keep([], { ...NO_LIMITS, ...fast }, 200_000);
  expect(chains.next(ALL, slow)).toBe(50_000 + spacingMs(slow.rate));
});

it("an object that is never in memory for a minute forgets what is long past too", () => {
  const sql = new SimSql();
  const perKey = { rate: parseRate("rateLimit", "1/h"), concurrency: null };
  const limits = { ...NO_LIMITS, perKey };
  for (let n = 0; n < 400; n += 1) {
    const now = n * 50_000;
    const chains = startAgain(sql, now);
    chains.take(`key ${n}`, perKey, now);
    chains.keep([`key ${n}`], limits, now);
  }
  const [rows] = sql.peek<{ count: number }>("SELECT count(*) AS count FROM slots");
  // Those of two hours and some minutes.
  expect(rows?.count).toBeLessThan(160);
});

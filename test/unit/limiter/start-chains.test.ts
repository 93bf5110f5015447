import { expect, it } from "vitest";
import { NO_LIMITS, parseRate } from "#engine";
import { StartChains } from "#platform/limiter/start-chains.ts";
import { SimSql } from "../../../src/testing/sim-sql.ts";

it("a key of a fast rate is forgotten a minute after its last start", () => {
  const sql = new SimSql();
  sql.exec("CREATE TABLE slots (chain TEXT PRIMARY KEY, last_at INTEGER NOT NULL)");
  const perKey = { rate: parseRate("rateLimit", "5/s"), concurrency: null };
  const limits = { ...NO_LIMITS, perKey };
  const chains = new StartChains(sql, true, 0);
  chains.take("key", perKey, 1_000);
  chains.keep([], limits, 60_500);
  expect(chains.next("key", perKey)).toBeGreaterThan(1_000);
  chains.keep([], limits, 121_000);
  expect(chains.next("key", perKey)).toBe(-Infinity);
});

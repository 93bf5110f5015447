import { expect, it } from "vitest";
import { migrate } from "#platform/ledger/schema.ts";
import { SimSql } from "../../../src/testing/sim-sql.ts";

it("a version from before that comes back for a while leaves the tables to the one after it", () => {
  const sql = new SimSql();
  const before = ["CREATE TABLE a (x INTEGER)"];
  const after = [...before, "CREATE TABLE b (x INTEGER)"];
  expect(migrate(sql, after)).toBe(true);
  expect(migrate(sql, before)).toBe(false);
  expect(migrate(sql, after)).toBe(false);
});

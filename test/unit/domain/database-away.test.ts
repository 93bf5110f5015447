import { DrizzleQueryError } from "drizzle-orm";
import { expect, it } from "vitest";
import { isDatabaseAway } from "#domain/services";
import { problemOf } from "../../../src/delivery/api/http/problems.ts";

const behindTheOrm = (message: string) =>
  new DrizzleQueryError("insert into orders values (?)", ["secret"], new Error(message));

it.each([
  "D1_ERROR: Network connection lost.",
  "D1_ERROR: D1 DB is overloaded. Requests queued for too long.",
  "D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset.",
  "D1_ERROR: Internal error in D1 DB storage caused object to be reset.",
])("a request that met '%s' is refused for now, with 503 and Retry-After (G23)", (message) => {
  for (const error of [new Error(message), behindTheOrm(message)]) {
    const { status, code, headers } = problemOf(error);
    expect([status, code, headers]).toEqual([503, "database_unavailable", { "Retry-After": "2" }]);
  }
});

it.each([
  "D1_ERROR: UNIQUE constraint failed: orders.id: SQLITE_CONSTRAINT",
  "D1_ERROR: no such table: orders: SQLITE_ERROR",
  "D1_ERROR: Wrong number of parameter bindings for SQL query.",
  "boom",
])("what is our own mistake stays a 500 that tells nothing: %s", (message) => {
  expect(isDatabaseAway(behindTheOrm(message))).toBe(false);
  const { status, code, message: detail } = problemOf(behindTheOrm(message));
  expect([status, code]).toEqual([500, "internal_error"]);
  expect(detail).not.toContain("orders");
});

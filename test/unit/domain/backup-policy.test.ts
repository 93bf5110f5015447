import { readdirSync } from "node:fs";
import { join } from "node:path";
import { is } from "drizzle-orm";
import { getTableConfig, SQLiteTable } from "drizzle-orm/sqlite-core";
import { expect, it } from "vitest";
import {
  isTableIncluded,
  OWN_TABLES,
  replacementOf,
} from "../../../src/domain/maintenance/backup-policy.ts";

const SRC = join(import.meta.dirname, "../../../src");
const files = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter((file) => /(^|\/)tables\.ts$/.test(file))
  .map((file) => import(join(SRC, file)) as Promise<Record<string, unknown>>);
const tables = (await Promise.all(files))
  .flatMap((module) => Object.values(module))
  .flatMap((value) => (is(value, SQLiteTable) ? [getTableConfig(value)] : []));

it.each(tables)("what looks secret in $name is in no plain backup", ({ name, columns }) => {
  const secret = columns
    .map((column) => column.name)
    .filter((column) => /hash|secret|token|passw|pepper|private/.test(column));
  const looksSecret = /session|token|reset|verification_code/.test(name);
  if (isTableIncluded(name, false)) {
    expect(looksSecret).toBe(false);
    expect(secret.filter((column) => replacementOf(name, column, []) === null)).toEqual([]);
  }
});

it.each(tables)(
  "$name can be written as JSON, and read in pages",
  ({ name, columns, ...table }) => {
    // What the database turns into JSON and back; D1 takes 32 arguments of a function.
    expect(columns.filter((column) => !/^(text|integer|real)$/.test(column.getSQLType()))).toEqual(
      [],
    );
    expect(columns.length).toBeLessThanOrEqual(32);
    const keys = columns.filter(({ primary }) => primary).length + table.primaryKeys.length;
    expect(keys, name).toBe(1);
  },
);

it("people, orders and money are never the deployment's own, to be added to", () => {
  for (const name of ["users", "orders", "payments", "emails", "files", "outbox", "products"]) {
    expect(OWN_TABLES.has(name)).toBe(false);
  }
});

it("a template's name is text in the policy, whatever it is", () => {
  expect(replacementOf("emails", "text_body", ["a", "b'c"])).toBe(
    `iif(template IN ('a', 'b''c'), '', "text_body")`,
  );
});

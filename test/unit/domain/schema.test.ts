import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { is } from "drizzle-orm";
import { getTableConfig, SQLiteTable } from "drizzle-orm/sqlite-core";
import { expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");
const MIGRATIONS = join(ROOT, "migrations");

/** Every table that the code declares, wherever its owner keeps it. */
const declared = await declaredTables();

async function declaredTables() {
  const files = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
    .filter((file) => /(^|\/)tables\.ts$/.test(file))
    .map((file) => import(join(ROOT, "src", file)) as Promise<Record<string, unknown>>);
  return (await Promise.all(files))
    .flatMap((module) => Object.values(module))
    .flatMap((value) => (is(value, SQLiteTable) ? [getTableConfig(value)] : []));
}

/** The database as the migrations make it. */
function migrated(): DatabaseSync {
  const database = new DatabaseSync(":memory:");
  const files = readdirSync(MIGRATIONS).filter((name) => name.endsWith(".sql"));
  for (const file of files.sort()) database.exec(readFileSync(join(MIGRATIONS, file), "utf8"));
  return database;
}

it("schema.sql shows what the migrations make (vitest -u writes it anew)", async () => {
  const statements = migrated()
    .prepare(
      "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT GLOB 'sqlite_*' ORDER BY tbl_name, type DESC, name",
    )
    .all()
    .map(({ sql }) => `${String(sql)};\n`);
  await expect(statements.join("\n")).toMatchFileSnapshot("../../../schema.sql");
});

it("the migrations make exactly the tables that the code declares", () => {
  const made = migrated()
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*'")
    .all();
  expect(made.map(({ name }) => String(name)).sort()).toEqual(
    declared.map(({ name }) => name).sort(),
  );
});

it.each(declared)("table $name has the declared columns", ({ name, columns }) => {
  const made = migrated()
    .prepare("SELECT name, upper(type) AS type, [notnull] FROM pragma_table_info(?)")
    .all(name)
    .map((column) => ({ ...column }));
  expect(made).toEqual(
    columns.map((column) => ({
      name: column.name,
      type: column.getSQLType().toUpperCase(),
      notnull: column.notNull ? 1 : 0,
    })),
  );
});

it.each(declared)(
  "table $name has a rowid only where that is its key: a text key would cost a second row",
  ({ name, columns }) => {
    const isCounted = columns.some((column) => column.primary && column.getSQLType() === "integer");
    const [made] = migrated().prepare("SELECT wr FROM pragma_table_list WHERE name = ?").all(name);
    expect(made?.["wr"]).toBe(isCounted ? 0 : 1);
  },
);

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/**
 * Applies all migrations to an empty database in memory and holds the result against what the project says it is.
 * @returns their files, in order
 * @throws Error naming what doesn't fit
 */
export function checkMigrations(root: string): string[] {
  const folder = join(root, "migrations");
  const files = readdirSync(folder)
    .filter((name) => name.endsWith(".sql"))
    .sort();
  const journal = JSON.parse(readFileSync(join(folder, "meta/_journal.json"), "utf8")) as {
    entries: { tag: string }[];
  };
  const listed = journal.entries.map(({ tag }) => `${tag}.sql`);
  if (files.join() !== listed.join()) {
    throw new Error("migrations/ and its meta/_journal.json name different files.");
  }
  using database = new DatabaseSync(":memory:");
  for (const file of files) {
    try {
      database.exec(readFileSync(join(folder, file), "utf8"));
    } catch (error) {
      throw new Error(`${file} can't be applied: ${String(error)}`, { cause: error });
    }
  }
  const rows = database
    .prepare(
      "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT GLOB 'sqlite_*' ORDER BY tbl_name, type DESC, name",
    )
    .all();
  const schema = rows.map(({ sql }) => `${String(sql)};\n`).join("\n");
  const expected = readFileSync(join(root, "schema.sql"), "utf8");
  if (schema.trim() !== expected.trim()) {
    throw new Error("schema.sql is not what the migrations make: vitest -u writes it anew.");
  }
  return files;
}

import { sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";

/** A table as the database itself describes it. */
export interface TableShape {
  readonly name: string;
  readonly columns: readonly string[];
  /** The columns of the primary key, in their order; of a table without one its row ids, which are a column then. */
  readonly key: readonly string[];
}

/** Every table but those of the database itself and the list of migrations, by name. */
export async function readTables(db: DrizzleD1Database): Promise<TableShape[]> {
  const found = await db.all<{ table: string; column: string; place: number }>(
    sql`SELECT t.name AS "table", c.name AS "column", c.pk AS place
      FROM sqlite_schema t JOIN pragma_table_info(t.name) c
      WHERE t.type = 'table' AND t.name NOT GLOB '_cf_*' AND t.name NOT GLOB 'sqlite_*'
        AND t.name <> 'd1_migrations'
      ORDER BY t.name, c.cid`,
  );
  return Array.from(
    Map.groupBy(found, ({ table }) => table),
    ([name, own]) => {
      const columns = own.map(({ column }) => column);
      const key = own
        .filter(({ place }) => place > 0)
        .sort((a, b) => a.place - b.place)
        .map(({ column }) => column);
      if (key.length > 0) return { name, columns, key };
      return { name, columns: ["rowid", ...columns], key: ["rowid"] };
    },
  );
}

/** The migrations that made the database what it is, in their order: the version of its schema. */
export async function readMigrations(db: DrizzleD1Database): Promise<string[]> {
  const rows = await db.all<{ name: string }>(sql`SELECT name FROM d1_migrations ORDER BY id`);
  return rows.map(({ name }) => name);
}

/** How many rows a table has. */
export async function countRows(db: DrizzleD1Database, table: string): Promise<number> {
  const [row] = await db.all<{ count: number }>(
    sql`SELECT count(*) AS count FROM ${sql.identifier(table)}`,
  );
  return row?.count ?? 0;
}

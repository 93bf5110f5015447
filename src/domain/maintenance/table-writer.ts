import { sql, type SQL } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";

/** Rows of one statement: their number, and their JSON; well under D1's 2 MB for a parameter. */
const ROWS_AT_ONCE = 500;
const BYTES_AT_ONCE = 900_000;

/**
 * Writes rows as a TableReader read them. One that is there already stays as it is, so it may be done again.
 * Rows written: one each, and one for each index that it enters.
 * @returns how many rows are there with other content, under a key or something unique of theirs
 */
export async function writeRows(
  db: DrizzleD1Database,
  table: string,
  columns: readonly string[],
  lines: readonly string[],
): Promise<number> {
  const names = sql.join(
    columns.map((column) => sql.identifier(column)),
    sql`, `,
  );
  const values = sql.join(
    columns.map((_column, index) => sql.raw(`value ->> ${index}`)),
    sql`, `,
  );
  const into = sql`INSERT INTO ${sql.identifier(table)} (${names})`;
  let differing = 0;
  for (const { rows, bytes } of statements(lines)) {
    if (bytes > BYTES_AT_ONCE) {
      // One row: each of its values may be as large as D1 takes them, all of them together not.
      const own = (JSON.parse(rows[0] ?? "[]") as unknown[]).map((value) => sql`${value}`);
      const { meta } = await db.run(
        sql`${into} VALUES (${sql.join(own, sql`, `)}) ON CONFLICT DO NOTHING`,
      );
      if (meta.changes === 0 && !(await isThere(db, table, columns, own))) differing += 1;
      continue;
    }
    const all = `[${rows.join(",")}]`;
    const { meta } = await db.run(
      sql`${into} SELECT ${values} FROM json_each(${all}) WHERE true ON CONFLICT DO NOTHING`,
    );
    if (meta.changes < rows.length) differing += await countDiffering(db, table, columns, all);
  }
  return differing;
}

/** Whether a row is in the table as it is. */
async function isThere(
  db: DrizzleD1Database,
  table: string,
  columns: readonly string[],
  values: readonly SQL[],
): Promise<boolean> {
  const same = sql.join(
    columns.map((column, index) => sql`${sql.identifier(column)} IS ${values[index]}`),
    sql` AND `,
  );
  const found = await db.all(
    sql`SELECT 1 AS found FROM ${sql.identifier(table)} WHERE ${same} LIMIT 1`,
  );
  return found.length > 0;
}

/** Of rows, as a JSON list, those that are not in the table as they are. */
async function countDiffering(
  db: DrizzleD1Database,
  table: string,
  columns: readonly string[],
  rows: string,
): Promise<number> {
  const same = sql.join(
    columns.map(
      (column, index) =>
        sql`t.${sql.identifier(column)} IS given.value ->> ${sql.raw(String(index))}`,
    ),
    sql` AND `,
  );
  const [found] = await db.all<{ count: number }>(
    sql`SELECT count(*) AS count FROM json_each(${rows}) AS given
      WHERE NOT EXISTS (SELECT 1 FROM ${sql.identifier(table)} AS t WHERE ${same})`,
  );
  return found?.count ?? 0;
}

/** Rows as they go together; one that is too large for that goes alone. */
function* statements(lines: readonly string[]): Generator<{ rows: string[]; bytes: number }> {
  const encoder = new TextEncoder();
  let rows: string[] = [];
  let bytes = 0;
  for (const line of lines) {
    const size = encoder.encode(line).length;
    if (rows.length > 0 && (rows.length >= ROWS_AT_ONCE || bytes + size > BYTES_AT_ONCE)) {
      yield { rows, bytes };
      [rows, bytes] = [[], 0];
    }
    rows.push(line);
    bytes += size;
  }
  if (rows.length > 0) yield { rows, bytes };
}

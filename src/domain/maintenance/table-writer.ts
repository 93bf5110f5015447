import { sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";

/** Rows of one statement: their number, and their JSON; well under D1's 2 MB for a parameter. */
const ROWS_AT_ONCE = 500;
const BYTES_AT_ONCE = 900_000;

/**
 * Writes rows as a TableReader read them. One that is there already stays as it is, so it may be done again.
 * Rows written: one each, and one for each index that it enters.
 */
export async function writeRows(
  db: DrizzleD1Database,
  table: string,
  columns: readonly string[],
  lines: readonly string[],
): Promise<void> {
  const names = sql.join(
    columns.map((column) => sql.identifier(column)),
    sql`, `,
  );
  const values = sql.join(
    columns.map((_column, index) => sql.raw(`value ->> ${index}`)),
    sql`, `,
  );
  const into = sql`INSERT INTO ${sql.identifier(table)} (${names})`;
  for (const { rows, bytes } of statements(lines)) {
    if (bytes > BYTES_AT_ONCE) {
      // One row: each of its values may be as large as D1 takes them, all of them together not.
      const own = (JSON.parse(rows[0] ?? "[]") as unknown[]).map((value) => sql`${value}`);
      await db.run(sql`${into} VALUES (${sql.join(own, sql`, `)}) ON CONFLICT DO NOTHING`);
      continue;
    }
    await db.run(
      sql`${into} SELECT ${values} FROM json_each(${`[${rows.join(",")}]`}) WHERE true
        ON CONFLICT DO NOTHING`,
    );
  }
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

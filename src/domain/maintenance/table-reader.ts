import { sql, type SQL } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { replacementOf } from "./backup-policy.ts";
import type { TableShape } from "./database-schema.ts";

/** A query answers about this much, whatever the rows are: their values in bytes, and their number. */
const PAGE_BYTES = 1_048_576;
const PAGE_ROWS = 1_000;
/**
 * A row with more is read by itself: as JSON it may have six times as many, and D1 makes no text of more
 * than 2 MB.
 */
const LARGE_ROW_BYTES = 300_000;

/** Some rows of a table, each as a JSON array of its values, and the key of the last as JSON. */
export interface Page {
  readonly lines: readonly string[];
  /** Null: there are no rows any more. */
  readonly last: string | null;
}

/** Reads a table in the order of its key: every row that stays is read once, whatever else changes. */
export class TableReader {
  readonly #db: DrizzleD1Database;
  readonly #table: TableShape;
  readonly #values: readonly SQL[];

  /** @param secretTemplates null: nothing is left out */
  constructor(db: DrizzleD1Database, table: TableShape, secretTemplates: readonly string[] | null) {
    this.#db = db;
    this.#table = table;
    this.#values = table.columns.map((column) => {
      const other = secretTemplates && replacementOf(table.name, column, secretTemplates);
      return other === null ? sql`${sql.identifier(column)}` : sql.raw(other);
    });
  }

  /** @param after the key to go on behind, as JSON; null: from the beginning */
  async page(after: string | null): Promise<Page> {
    const table = sql.identifier(this.#table.name);
    const key = list(this.#table.key.map((column) => sql.identifier(column)));
    const bytes = sql.join(
      this.#table.columns.map(
        (column) => sql`coalesce(octet_length(${sql.identifier(column)}), 0)`,
      ),
      sql` + `,
    );
    const where = after === null ? sql`` : sql`WHERE (${key}) > (${this.#keyOf(after)})`;
    const rows = await this.#db.all<{ page_key: string; page_line: string | null }>(
      sql`WITH page_sizes AS (
          SELECT sum(page_bytes) OVER (ORDER BY ${key} ROWS UNBOUNDED PRECEDING) AS total FROM (
            SELECT ${key}, ${bytes} AS page_bytes FROM ${table} ${where}
            ORDER BY ${key} LIMIT ${PAGE_ROWS}))
        SELECT json_array(${key}) AS page_key,
          iif(${bytes} > ${LARGE_ROW_BYTES}, NULL, json_array(${list(this.#values)})) AS page_line
        FROM ${table} ${where} ORDER BY ${key}
        LIMIT (SELECT max(1, count(*)) FROM page_sizes WHERE total <= ${PAGE_BYTES})`,
    );
    const lines: string[] = [];
    for (const row of rows) {
      const line = row.page_line ?? (await this.#largeRow(row.page_key));
      if (line !== null) lines.push(line);
    }
    return { lines, last: rows.at(-1)?.page_key ?? null };
  }

  /**
   * A row whose JSON the database can't make: whole numbers in it are exact up to 2^53. Null: it was
   * deleted in the meantime.
   */
  async #largeRow(key: string): Promise<string | null> {
    const columns = list(this.#table.key.map((column) => sql.identifier(column)));
    const [row] = await this.#db.values<unknown[]>(
      sql`SELECT ${list(this.#values)} FROM ${sql.identifier(this.#table.name)}
        WHERE (${columns}) = (${this.#keyOf(key)})`,
    );
    return row === undefined ? null : JSON.stringify(row);
  }

  #keyOf(json: string): SQL {
    return list(
      this.#table.key.map((_column, index) => sql`${json} ->> ${sql.raw(String(index))}`),
    );
  }
}

function list(parts: readonly (SQL | ReturnType<typeof sql.identifier>)[]): SQL {
  return sql.join([...parts], sql`, `);
}

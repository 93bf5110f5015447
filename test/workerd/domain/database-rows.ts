import { env } from "cloudflare:workers";
import { rows } from "./shop.ts";

interface Column {
  readonly table: string;
  readonly name: string;
  readonly type: string;
  readonly notnull: number;
  readonly pk: number;
}

/** Every column of every table of the shop, whoever declared it. */
function columns(): Promise<Column[]> {
  return rows<Column>(
    `SELECT t.name AS "table", c.name, c.type, c."notnull", c.pk
     FROM sqlite_schema t JOIN pragma_table_info(t.name) c
     WHERE t.type = 'table' AND substr(t.name, 1, 3) NOT IN ('d1_', '_cf', 'sql')
     ORDER BY t.name, c.cid`,
  );
}

/** What rows are made of. Numbers are JSON text, so that large ones stay what they are. */
export interface Values {
  readonly texts: readonly string[];
  readonly numbers: readonly string[];
}

/** Writes rows into every table: texts and numbers in turn, each key its own, null where it may be. */
export async function fillTables(values: Values, count: number): Promise<void> {
  let turn = 0;
  const next = (list: readonly string[]) => list[(turn += 1) % list.length] ?? "";
  for (const [table, own] of Map.groupBy(await columns(), (column) => column.table)) {
    const lines = Array.from({ length: count }, (_, row) => {
      const cells = own.map(({ type, notnull, pk }) => {
        const isText = type.toUpperCase() === "TEXT";
        if (pk > 0)
          return isText ? JSON.stringify(`${next(values.texts)} ${row}`) : String(row + 1);
        if (notnull === 0 && (turn += 1) % 3 === 0) return "null";
        // Some have to be unique.
        return isText ? JSON.stringify(`${next(values.texts)} ${row}`) : next(values.numbers);
      });
      return `[${cells.join(",")}]`;
    });
    await env.DB.prepare(
      `INSERT INTO "${table}" (${own.map(({ name }) => `"${name}"`).join(", ")})
       SELECT ${own.map((_column, index) => `value ->> ${index}`).join(", ")} FROM json_each(?)`,
    )
      .bind(`[${lines.join(",")}]`)
      .run();
  }
  // A restore drops lines of orders that there are not.
  await env.DB.exec("UPDATE OR IGNORE order_items SET order_id = (SELECT min(id) FROM orders)");
}

/** All rows of all tables, byte by byte as the database has them. */
export async function dumpTables(
  without: readonly string[] = [],
): Promise<Record<string, readonly unknown[]>> {
  const dump: Record<string, readonly unknown[]> = {};
  for (const [table, own] of Map.groupBy(await columns(), (column) => column.table)) {
    if (without.includes(table)) continue;
    const cells = own.map(
      ({ name }) => `typeof("${name}") || ' ' || coalesce(hex("${name}"), '') AS "${name}"`,
    );
    const key = own.filter(({ pk }) => pk > 0).map(({ name }) => `"${name}"`);
    dump[table] = await rows(
      `SELECT ${cells.join(", ")} FROM "${table}" ORDER BY ${key.join(", ")}`,
    );
  }
  return dump;
}

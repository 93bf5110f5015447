/** What a database was asked, and what it cost. */
export class Meter {
  readonly statements: { readonly query: string; readonly values: readonly unknown[] }[] = [];
  rowsRead = 0;
  rowsWritten = 0;

  count({ meta }: D1Result): void {
    this.rowsRead += meta.rows_read;
    this.rowsWritten += meta.rows_written;
  }
}

/** The database with a meter on every statement. */
export function meteredDatabase(real: D1Database, meter: Meter): D1Database {
  const originals = new WeakMap<object, () => D1PreparedStatement>();
  const wrap = (query: string, values: readonly unknown[]): D1PreparedStatement => {
    const statement = () => real.prepare(query).bind(...values);
    const asked = () => {
      meter.statements.push({ query, values });
      return statement();
    };
    const all = async () => {
      const result = await asked().all<Record<string, unknown>>();
      meter.count(result);
      return result;
    };
    const wrapped = {
      bind: (...more: unknown[]) => wrap(query, more),
      all,
      run: all,
      raw: async () => (await all()).results.map((row) => Object.values(row)),
    } as unknown as D1PreparedStatement;
    originals.set(wrapped, asked);
    return wrapped;
  };
  return {
    prepare: (query: string) => wrap(query, []),
    async batch(statements: D1PreparedStatement[]) {
      const results = await real.batch(statements.map((item) => originals.get(item)?.() ?? item));
      for (const result of results) meter.count(result);
      return results;
    },
  } as unknown as D1Database;
}

/** How the database goes about a statement, a line a step. */
export async function planOf(
  real: D1Database,
  { query, values }: Meter["statements"][number],
): Promise<string[]> {
  const { results } = await real
    .prepare(`EXPLAIN QUERY PLAN ${query}`)
    .bind(...values)
    .all<{ detail: string }>();
  return results.map(({ detail }) => detail);
}

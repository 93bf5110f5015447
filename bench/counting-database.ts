/** What statements cost: rows that D1 says it read and wrote, which are billed, and how many there were. */
export interface RowCounts {
  read: number;
  written: number;
  queries: number;
}

/** The same database, which adds up what its statements read and wrote. */
export function countingDatabase(database: D1Database, counts: RowCounts): D1Database {
  const count = ({ meta }: Pick<D1Result, "meta">) => {
    counts.queries += 1;
    counts.read += meta.rows_read;
    counts.written += meta.rows_written;
  };
  const originals = new WeakMap<object, D1PreparedStatement>();
  const wrap = (statement: D1PreparedStatement): D1PreparedStatement => {
    const wrapped = {
      bind: (...values: unknown[]) => wrap(statement.bind(...values)),
      async run() {
        const result = await statement.run();
        count(result);
        return result;
      },
      async all() {
        const result = await statement.all();
        count(result);
        return result;
      },
      async first(column?: string) {
        const result = await statement.all<Record<string, unknown>>();
        count(result);
        const [row] = result.results;
        if (row === undefined) return null;
        return column === undefined ? row : row[column];
      },
      // The real one tells no counts. No statement of ours names two columns of an answer alike.
      async raw() {
        const result = await statement.all<Record<string, unknown>>();
        count(result);
        return result.results.map((row) => Object.values(row));
      },
    } as unknown as D1PreparedStatement;
    originals.set(wrapped, statement);
    return wrapped;
  };
  return new Proxy(database, {
    get(target, name: keyof D1Database) {
      if (name === "prepare") return (query: string) => wrap(target.prepare(query));
      if (name === "batch") {
        return async (statements: D1PreparedStatement[]) => {
          const results = await target.batch(
            statements.map((statement) => originals.get(statement) ?? statement),
          );
          for (const result of results) count(result);
          return results;
        };
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { SqlPort, SqlValue } from "#platform/ledger/ports.ts";

/** A string or a row of a Durable Object's database may have this many bytes (workerd: 2,200,000). */
const MAX_VALUE_BYTES = 2_200_000;

/** What happens around the statements of one simulated database; each may throw. */
export interface SqlHooks {
  /** Runs a statement, or the commit (`COMMIT`). May throw before or after it did. */
  readonly around: <T>(sql: string, run: () => T) => T;
  /** A transaction was committed. */
  readonly committed: () => void;
}

const NO_HOOKS: SqlHooks = { around: (_sql, run) => run(), committed: () => undefined };

/** Rows of one statement, as a Durable Object's cursor gives them. */
export interface SimCursor<Row> extends IterableIterator<Row> {
  /** Rows written, those of indexes not counted. */
  readonly rowsWritten: number;
}

/**
 * A Durable Object's SQLite on node:sqlite: the same engine, so the same SQL. What is committed outlives
 * the object; a transaction that throws leaves nothing. As there, a write is complete when `exec`
 * returns, and a SELECT is read row by row, seeing what is written meanwhile. conformance.ts holds both
 * to one script. Not simulated: the loss of committed writes (the platform's output gate hides it).
 */
export class SimSql implements SqlPort {
  readonly #db = new DatabaseSync(":memory:", { limits: { length: MAX_VALUE_BYTES } });
  /** Prepared statements that no cursor reads right now. */
  readonly #idle = new Map<string, StatementSync[]>();
  readonly #peeks = new Map<string, StatementSync>();
  #hooks: SqlHooks = NO_HOOKS;
  #depth = 0;

  setHooks(hooks: SqlHooks): void {
    this.#hooks = hooks;
  }

  exec<Row extends Record<string, SqlValue>>(sql: string, ...params: SqlValue[]): SimCursor<Row> {
    return this.#hooks.around(sql, () => this.#exec<Row>(sql, params));
  }

  transaction<T>(fn: () => T): T {
    if (this.#depth > 0) return this.#savepoint(fn);
    this.#db.exec("BEGIN");
    this.#depth = 1;
    let isCommitted = false;
    try {
      const result = fn();
      this.#hooks.around("COMMIT", () => {
        this.#db.exec("COMMIT");
        isCommitted = true;
      });
      return result;
    } catch (error) {
      if (!isCommitted) this.#db.exec("ROLLBACK");
      throw error;
    } finally {
      this.#depth = 0;
      if (isCommitted) this.#hooks.committed();
    }
  }

  /** Looks into the tables from outside. */
  peek<Row>(sql: string, ...params: SqlValue[]): Row[] {
    let statement = this.#peeks.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#peeks.set(sql, statement);
    }
    return statement.all(...params) as Row[];
  }

  close(): void {
    this.#db.close();
  }

  #savepoint<T>(fn: () => T): T {
    const name = `level_${this.#depth}`;
    this.#db.exec(`SAVEPOINT ${name}`);
    this.#depth += 1;
    try {
      const result = fn();
      this.#db.exec(`RELEASE ${name}`);
      return result;
    } catch (error) {
      this.#db.exec(`ROLLBACK TO ${name}; RELEASE ${name}`);
      throw error;
    } finally {
      this.#depth -= 1;
    }
  }

  #exec<Row>(sql: string, params: SqlValue[]): SimCursor<Row> {
    const statement = this.#idle.get(sql)?.pop() ?? this.#db.prepare(sql);
    const putBack = () => {
      const idle = this.#idle.get(sql);
      if (idle === undefined) this.#idle.set(sql, [statement]);
      else idle.push(statement);
    };
    if (!/^\s*(SELECT|WITH)/i.test(sql)) {
      const { changes } = statement.run(...params);
      putBack();
      const rowsWritten = /^\s*CREATE/i.test(sql) ? 0 : Number(changes);
      return Object.assign([][Symbol.iterator](), { rowsWritten });
    }
    return new Reader<Row>(statement.iterate(...params) as IterableIterator<Row>, putBack);
  }
}

/** Reads a SELECT step by step. The first row is read at once, as the platform does. */
class Reader<Row> implements SimCursor<Row> {
  readonly rowsWritten = 0;
  readonly #rows: IterableIterator<Row>;
  readonly #onEnd: () => void;
  #first: IteratorResult<Row> | null;
  #isOver = false;

  constructor(rows: IterableIterator<Row>, onEnd: () => void) {
    this.#rows = rows;
    this.#onEnd = onEnd;
    this.#first = rows.next();
    if (this.#first.done === true) this.#end();
  }

  next(): IteratorResult<Row> {
    const first = this.#first;
    this.#first = null;
    if (first !== null) return first;
    if (this.#isOver) return { done: true, value: undefined };
    const row = this.#rows.next();
    if (row.done === true) this.#end();
    return row;
  }

  return(): IteratorResult<Row> {
    this.#first = null;
    if (!this.#isOver) this.#rows.return?.();
    this.#end();
    return { done: true, value: undefined };
  }

  [Symbol.iterator](): this {
    return this;
  }

  #end(): void {
    if (!this.#isOver) this.#onEnd();
    this.#isOver = true;
  }
}

import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { SqlPort, SqlValue } from "#platform/ledger/ports.ts";

/** Bytes of a text or a row in production. The local runtime takes more; simulations must not need it. */
const MAX_VALUE_BYTES = 2_000_000;

/** What happens around the statements of one simulated database; each may throw. */
export interface SqlHooks {
  /** Runs a statement, or the commit (`COMMIT`). May throw before or after it did. */
  readonly around: <T>(sql: string, run: () => T) => T;
  /** A transaction was committed. */
  readonly committed: () => void;
}

const NO_HOOKS: SqlHooks = { around: (_sql, run) => run(), committed: () => undefined };

/** One text of a statement. */
interface Prepared {
  /** Those of it that no cursor reads right now. */
  readonly idle: StatementSync[];
  readonly isRead: boolean;
  readonly isCreate: boolean;
}

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
  readonly #begin = this.#db.prepare("BEGIN");
  readonly #commit = this.#db.prepare("COMMIT");
  readonly #statements = new Map<string, Prepared>();
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
    this.#begin.run();
    this.#depth = 1;
    let isCommitted = false;
    try {
      const result = fn();
      this.#hooks.around("COMMIT", () => {
        this.#commit.run();
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

  get isInTransaction(): boolean {
    return this.#depth > 0;
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

  /**
   * Calls `touched` with the key of every row of a table that is written from now on, whether or not its
   * transaction is committed. Of a row that is replaced by another, only with that one's.
   */
  watchRows(table: string, key: string, touched: (key: string | number) => void): void {
    const name = `touched_${table}`;
    this.#db.function(name, (value: unknown) => {
      touched(value as string | number);
      return null;
    });
    for (const [event, row] of [
      ["INSERT", "new"],
      ["UPDATE", "new"],
      ["DELETE", "old"],
    ]) {
      this.#db.exec(`CREATE TEMP TRIGGER ${name}_${event} AFTER ${event} ON main.${table}
        BEGIN SELECT ${name}(${row}.${key}); END`);
    }
  }

  /** Takes all rows out of its tables, for another object that finds them there. @param kept the table that stays as it is */
  empty(kept: string): void {
    this.#hooks = NO_HOOKS;
    const tables = this.peek<{ name: string }>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> ?",
      kept,
    );
    for (const { name } of tables) this.#db.exec(`DELETE FROM ${name}`);
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
    const { idle, isRead, isCreate } = this.#statements.get(sql) ?? this.#firstSeen(sql);
    const statement = idle.pop() ?? this.#db.prepare(sql);
    const putBack = () => {
      idle.push(statement);
    };
    if (isRead) {
      return new Reader<Row>(statement.iterate(...params) as IterableIterator<Row>, putBack);
    }
    const { changes } = statement.run(...params);
    putBack();
    return Object.assign([][Symbol.iterator](), { rowsWritten: isCreate ? 0 : Number(changes) });
  }

  #firstSeen(sql: string): Prepared {
    const isRead = /^\s*(SELECT|WITH)/i.test(sql);
    const prepared = { idle: [], isRead, isCreate: /^\s*CREATE/i.test(sql) };
    this.#statements.set(sql, prepared);
    return prepared;
  }
}

/** Reads a SELECT step by step and, as the platform does, always one row ahead. */
class Reader<Row> implements SimCursor<Row> {
  readonly rowsWritten = 0;
  readonly #rows: IterableIterator<Row>;
  readonly #onEnd: () => void;
  #ahead: IteratorResult<Row>;
  #isOver = false;

  constructor(rows: IterableIterator<Row>, onEnd: () => void) {
    this.#rows = rows;
    this.#onEnd = onEnd;
    this.#ahead = this.#read();
  }

  next(): IteratorResult<Row> {
    const row = this.#ahead;
    if (row.done !== true) this.#ahead = this.#read();
    return row;
  }

  return(): IteratorResult<Row> {
    this.#ahead = { done: true, value: undefined };
    if (!this.#isOver) {
      this.#rows.return?.();
      this.#end();
    }
    return this.#ahead;
  }

  [Symbol.iterator](): this {
    return this;
  }

  #read(): IteratorResult<Row> {
    const row = this.#rows.next();
    if (row.done === true) this.#end();
    return row;
  }

  #end(): void {
    this.#isOver = true;
    this.#onEnd();
  }
}

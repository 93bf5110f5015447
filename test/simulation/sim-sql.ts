import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { SqlPort, SqlValue } from "#platform/ledger/ports.ts";

/** Thrown at a statement when the object is to die there. */
export class Crash extends Error {
  override readonly name = "Crash";
}

/**
 * A Durable Object's SQLite on node:sqlite: the same engine, so the same SQL. What is committed outlives
 * the object; a transaction that throws leaves nothing. (Reads are not lazy here; conformance.test.ts in
 * the workerd tests checks what the ledger relies on.)
 */
export class SimSql implements SqlPort {
  readonly #db = new DatabaseSync(":memory:");
  readonly #statements = new Map<string, StatementSync>();
  /** Asked before every statement and every commit: what it throws happens there. */
  beforeStatement: () => void = () => undefined;

  exec<Row extends Record<string, SqlValue>>(sql: string, ...params: SqlValue[]): Iterable<Row> {
    this.beforeStatement();
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement.all(...params) as Row[];
  }

  transaction<T>(fn: () => T): T {
    this.#db.exec("BEGIN");
    try {
      const result = fn();
      this.beforeStatement();
      this.#db.exec("COMMIT");
      return result;
    } catch (error) {
      this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  /** Looks into the tables from outside, without faults. */
  peek<Row>(sql: string, ...params: SqlValue[]): Row[] {
    return this.#db.prepare(sql).all(...params) as Row[];
  }

  close(): void {
    this.#db.close();
  }
}

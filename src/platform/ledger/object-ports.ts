import type { AlarmPort, SqlPort, SqlValue } from "./ports.ts";

/** Production refuses a text of more than 2,000,000 bytes; the local runtime would take it. */
const MAX_TEXT_LENGTH = 2_000_000;

/** The SQL port on a Durable Object's SQLite; counts rows written as the platform bills them. */
export class ObjectSql implements SqlPort {
  readonly #storage: DurableObjectStorage;
  #rowsWritten = 0;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  exec<Row extends Record<string, SqlValue>>(sql: string, ...params: SqlValue[]): Iterable<Row> {
    for (const param of params) {
      if (typeof param === "string" && param.length > MAX_TEXT_LENGTH) {
        throw new RangeError(`A text of ${param.length} characters is more than storage takes.`);
      }
    }
    const cursor = this.#storage.sql.exec<Row>(sql, ...params);
    // A write is complete here: only SELECTs are read step by step.
    this.#rowsWritten += cursor.rowsWritten;
    return cursor;
  }

  transaction<T>(fn: () => T): T {
    return this.#storage.transactionSync(fn);
  }

  rowsWritten(): number {
    return this.#rowsWritten;
  }

  /** Rows written outside SQL (an alarm is one). */
  countRow(): void {
    this.#rowsWritten += 1;
  }
}

export class ObjectAlarm implements AlarmPort {
  readonly #storage: DurableObjectStorage;
  readonly #sql: ObjectSql;

  constructor(storage: DurableObjectStorage, sql: ObjectSql) {
    this.#storage = storage;
    this.#sql = sql;
  }

  set(at: number): void {
    this.#sql.countRow();
    // Part of the transaction or of the answer's output gate: not awaited.
    void this.#storage.setAlarm(at);
  }
}

/** What is called to have a queue's work done without a doorbell: this Worker's own entrypoint. */
interface ConsumerExport {
  Consumer: { drain(shard: number, queue: string): Promise<number> };
}

export async function runDirectly(ctx: DurableObjectState, shard: number, queue: string) {
  const { Consumer } = ctx.exports as unknown as ConsumerExport;
  await Consumer.drain(shard, queue);
}

import { log } from "../log.ts";
import { systemClock } from "../system.ts";
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

/** After an alarm whose look failed, the next one. */
const RETRY_MS = 5_000;

/** The alarm port on a Durable Object's one alarm. */
export class ObjectAlarm implements AlarmPort {
  readonly #storage: DurableObjectStorage;
  readonly #sql: ObjectSql;
  readonly #shard: number;
  #at: number | null = null;
  /** What it went off for last, epoch ms. */
  #wentOffFor: number | null = null;

  constructor(ctx: DurableObjectState, sql: ObjectSql, shard: number) {
    this.#storage = ctx.storage;
    this.#sql = sql;
    this.#shard = shard;
    // Known before the first call: an object that was out of memory does not pay for setting what is set.
    void ctx.blockConcurrencyWhile(async () => {
      this.#at = await ctx.storage.getAlarm();
    });
  }

  get at(): number | null {
    return this.#at;
  }

  set(wanted: number): void {
    // It went off early, by the clock of another machine: to set the time that is set is no write, and rings nobody.
    const at = wanted === this.#wentOffFor ? wanted + 1 : wanted;
    this.#sql.countRow();
    // Part of the transaction or of the answer's output gate: not awaited.
    void this.#storage.setAlarm(at);
    this.#at = at;
  }

  /** The handler: after a look that fails there is another one, however often. */
  wentOff(look: () => void): void {
    this.#wentOffFor = this.#at;
    this.#at = null;
    try {
      look();
    } catch (error) {
      log("alarm_failed", { shard: this.#shard, error });
      this.set(systemClock.now() + RETRY_MS);
    }
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

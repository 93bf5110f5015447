import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import type { World } from "../../../src/testing/world.ts";
import { PortFailure } from "../tripwire.ts";
import type { Chaos } from "./chaos.ts";
import type { ShopProcess } from "./shop-process.ts";

const MIGRATIONS = join(import.meta.dirname, "../../../migrations");
const MAX_PARAMETERS = 100;
const SLOW_MS = 5_000;
const TIMEOUT_MS = 30_000;

type Row = Record<string, unknown>;

interface Ran {
  readonly rows: Row[];
  readonly changes: number;
}

/** The real schema, as the migrations make it. */
const SCHEMA = readdirSync(MIGRATIONS)
  .filter((name) => name.endsWith(".sql"))
  .sort()
  .map((name) => readFileSync(join(MIGRATIONS, name), "utf8"))
  .join("\n");

/** One text of a statement. */
interface Prepared {
  readonly statement: StatementSync;
  readonly isQuery: boolean;
  /** It answers rows. */
  readonly isRead: boolean;
}

/** A database between two simulations: empty, and with its statements prepared. */
interface Emptied {
  readonly db: DatabaseSync;
  readonly prepared: Map<string, Prepared>;
}

/** Making the schema takes longer than many a simulation. By what was added to the schema. */
const pool = new Map<string, Emptied[]>();

/**
 * D1 on node:sqlite: one database, to which every process has a connection of its own. A statement, or a batch, is
 * one call: it gets lost on its way there or back, and what was committed stays. `rows_written` are changes; rows
 * of indexes are not counted.
 */
export class SimD1 {
  readonly #db: DatabaseSync;
  readonly #world: World;
  readonly #chaos: Chaos;
  readonly #extra: string;
  readonly #prepared: Map<string, Prepared>;
  #downUntil = 0;
  #writes = 0;
  calls = 0;
  /** Told of every call that may have written something, right after it. */
  answered: () => void = () => undefined;

  /** @param extra statements of the test's own, after the migrations */
  constructor(world: World, chaos: Chaos, extra = "") {
    this.#world = world;
    this.#chaos = chaos;
    this.#extra = extra;
    const emptied = pool.get(extra)?.pop();
    this.#db = emptied?.db ?? new DatabaseSync(":memory:");
    this.#prepared = emptied?.prepared ?? new Map<string, Prepared>();
    if (emptied === undefined) this.#db.exec(SCHEMA + extra);
  }

  /** Nobody reaches it for so long. */
  goDown(ms: number): void {
    this.#world.note("D1 is down");
    this.#downUntil = this.#world.now() + ms;
  }

  get isDown(): boolean {
    return this.#world.now() < this.#downUntil;
  }

  /** Looks into the tables, or changes them, from outside: at once, and without faults. */
  peek<T = Row>(sql: string, ...params: SQLInputValue[]): T[] {
    return this.#run(sql, params, false).rows as T[];
  }

  /** Empties it for the next one. */
  close(): void {
    const db = this.#db;
    const tables = this.peek<{ name: string }>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    );
    for (const { name } of tables) db.exec(`DELETE FROM ${name}`);
    const others = pool.get(this.#extra) ?? [];
    pool.set(this.#extra, [...others, { db, prepared: this.#prepared }]);
  }

  connect(process: ShopProcess): D1Database {
    const call = <T>(run: () => T) => this.#call(process, run);
    const prepare = (sql: string) => new Statement(this, call, sql, []);
    const batch = (statements: readonly Statement[]) =>
      call(() => this.inOne(() => statements.map(({ sql, values }) => this.result(sql, values))));
    return { prepare, batch } as unknown as D1Database;
  }

  result(sql: string, values: readonly unknown[]) {
    const { rows, changes } = this.#run(sql, values, false);
    return resultOf(rows, changes);
  }

  raw(sql: string, values: readonly unknown[]): unknown {
    return this.#run(sql, values, true).rows;
  }

  inOne<T>(run: () => T): T {
    this.#db.exec("BEGIN");
    try {
      const answer = run();
      this.#db.exec("COMMIT");
      return answer;
    } catch (error) {
      this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  async #call<T>(process: ShopProcess, run: () => T): Promise<T> {
    this.calls += 1;
    try {
      return await process.call(4, () => this.#answer(run));
    } catch (error) {
      process.d1Failures += 1;
      throw error instanceof PortFailure ? lost() : error;
    }
  }

  async #answer<T>(run: () => T): Promise<T> {
    const world = this.#world;
    const chaos = this.#chaos;
    if (this.isDown) {
      await world.sleep(world.between(0, SLOW_MS));
      chaos.happened("d1 down");
      throw lost();
    }
    if (chaos.happens("d1 lost before commit")) throw lost();
    if (chaos.happens("d1 overloaded")) {
      throw new Error("D1_ERROR: D1 DB is overloaded. Requests queued for too long.");
    }
    if (chaos.happens("d1 slow")) await world.sleep(SLOW_MS);
    const isTimeout = chaos.happens("d1 timeout");
    if (isTimeout && world.chance(0.5)) await timedOut(world);
    const writes = this.#writes;
    const answer = run();
    if (this.#writes > writes) this.answered();
    if (isTimeout) await timedOut(world);
    if (world.chance(0.5)) await world.sleep(world.between(0, 4));
    if (chaos.happens("d1 lost after commit")) throw lost();
    return answer;
  }

  #run(sql: string, values: readonly unknown[], isRaw: boolean): Ran {
    try {
      const { statement, isQuery, isRead } = this.#prepared.get(sql) ?? this.#firstSeen(sql);
      if (values.length > MAX_PARAMETERS) throw new Error("too many SQL variables");
      const params = values.map(bound);
      if (!isQuery) this.#writes += 1;
      if (!isRead) return { rows: [], changes: Number(statement.run(...params).changes) };
      statement.setReturnArrays(isRaw);
      const rows = statement.all(...params) as Row[];
      return { rows, changes: isQuery ? 0 : rows.length };
    } catch (error) {
      throw new Error(`D1_ERROR: ${(error as Error).message}: SQLITE_ERROR`, { cause: error });
    }
  }

  #firstSeen(sql: string): Prepared {
    const isQuery = /^\s*(SELECT|WITH|PRAGMA)/i.test(sql);
    const isRead = isQuery || /\bRETURNING\b/i.test(sql);
    const prepared = { statement: this.#db.prepare(sql), isQuery, isRead };
    this.#prepared.set(sql, prepared);
    return prepared;
  }
}

/** A prepared statement as D1's binding has it. */
class Statement {
  readonly sql: string;
  readonly values: readonly unknown[];
  readonly #d1: SimD1;
  readonly #call: <T>(run: () => T) => Promise<T>;

  constructor(
    d1: SimD1,
    call: <T>(run: () => T) => Promise<T>,
    sql: string,
    values: readonly unknown[],
  ) {
    this.#d1 = d1;
    this.#call = call;
    this.sql = sql;
    this.values = values;
  }

  bind(...values: unknown[]): Statement {
    return new Statement(this.#d1, this.#call, this.sql, values);
  }

  run() {
    return this.#call(() => this.#d1.result(this.sql, this.values));
  }

  all() {
    return this.run();
  }

  raw() {
    return this.#call(() => this.#d1.raw(this.sql, this.values));
  }

  async first() {
    const { results } = await this.run();
    return results[0] ?? null;
  }
}

function resultOf(results: Row[], changes: number) {
  const meta = { changes, rows_written: changes, rows_read: results.length, duration: 0 };
  return { success: true, results, meta };
}

function bound(value: unknown): SQLInputValue {
  if (typeof value === "boolean") return value ? 1 : 0;
  if (value === undefined) throw new Error("D1_TYPE_ERROR: Type 'undefined' not supported");
  return value as SQLInputValue;
}

function lost(): Error {
  return new Error("D1_ERROR: Network connection lost.");
}

async function timedOut(world: World): Promise<never> {
  await world.sleep(TIMEOUT_MS);
  throw new Error(
    "D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset.",
  );
}

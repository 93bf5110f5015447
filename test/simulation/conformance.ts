/*
 * One script of storage operations for two storages: a Durable Object's (test/workerd/conformance.test.ts)
 * and the simulator's (conformance.test.ts). Each writes down what it sees; conformance-trace.json is
 * what both must see. So what the simulator finds, or doesn't, holds for the platform.
 * Known to differ: an alarm set in a transaction that throws is taken back by the platform (the ledger
 * sets none there, and the simulator objects if it does); rows of indexes count as written there; texts
 * over 2 MB are refused by the simulator and in production, but not by the local runtime.
 */

type Value = string | number | null;
type Row = Record<string, Value>;

export interface Storage {
  exec(sql: string, ...params: Value[]): IterableIterator<Row> & { readonly rowsWritten: number };
  transaction<T>(fn: () => T): T;
  setAlarm(at: number): void;
  getAlarm(): Promise<number | null>;
}

/** What a step saw: JSON, or that it threw. */
export type Trace = readonly (readonly [step: string, saw: unknown])[];

type Step = (storage: Storage) => unknown;

/** The whole table, as [key, value] pairs in the order of the keys. */
const all = (storage: Storage): unknown[] =>
  Array.from(storage.exec("SELECT k, v FROM t ORDER BY k"), ({ k, v }) => [k, v]);

const written = (storage: Storage, sql: string, ...params: Value[]): number =>
  storage.exec(sql, ...params).rowsWritten;

const put = (storage: Storage, k: number, v: Value) =>
  written(storage, "INSERT INTO t (k, v) VALUES (?, ?)", k, v);

/** Takes the next row of a cursor. */
const next = (rows: IterableIterator<Row>): unknown => {
  const { done, value } = rows.next() as IteratorResult<Row, undefined>;
  return done === true ? "end" : value?.["k"];
};

function refill(storage: Storage): void {
  storage.exec("DELETE FROM t");
  for (const k of [1, 2, 3, 4]) put(storage, k, `v${k}`);
}

const failing = (storage: Storage, fn: () => void): string => {
  try {
    storage.transaction(() => {
      fn();
      throw new Error("on purpose");
    });
    return "no error";
  } catch (error) {
    return (error as Error).message;
  }
};

const LEDGER_INSERT = `INSERT INTO tasks (parked, id, queue, due_at)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?)`;

const STEPS: Readonly<Record<string, Step>> = {
  "create a table": (s) => [
    ...s.exec("CREATE TABLE t (k INTEGER PRIMARY KEY, v TEXT NOT NULL) WITHOUT ROWID"),
  ],
  "create it again if it is missing": (s) => [
    ...s.exec("CREATE TABLE IF NOT EXISTS t (k INTEGER PRIMARY KEY)"),
  ],
  "an empty table": all,
  "insert a row": (s) => put(s, 1, "v1"),
  "a write is done without reading its cursor": (s) => (put(s, 2, "v2"), all(s)),
  "a key that is there": (s) => put(s, 1, "again"),
  "nothing of it remains": all,
  "several rows, one of them there": (s) =>
    written(s, "INSERT INTO t VALUES (8, 'a'), (1, 'b'), (9, 'c')"),
  "none of them remains": all,
  "null where none may be": (s) => put(s, 5, null),
  "no such table": (s) => written(s, "INSERT INTO nowhere VALUES (1)"),
  "a parameter too few": (s) => written(s, "INSERT INTO t (k, v) VALUES (?, ?)", 7),
  "insert or replace": (s) => [written(s, "INSERT OR REPLACE INTO t VALUES (1, 'new')"), all(s)],
  "on conflict do nothing": (s) =>
    written(s, "INSERT INTO t VALUES (1, 'x'), (3, 'v3') ON CONFLICT (k) DO NOTHING"),
  "update of two": (s) => written(s, "UPDATE t SET v = v || '!' WHERE k < 3"),
  "update of none": (s) => written(s, "UPDATE t SET v = '' WHERE k > 99"),
  "delete of one": (s) => written(s, "DELETE FROM t WHERE k = 3"),
  "delete of none": (s) => written(s, "DELETE FROM t WHERE k = 3"),
  "a transaction": (s) => [s.transaction(() => put(s, 3, "v3")), all(s)],
  "a transaction that throws": (s) => [failing(s, () => void put(s, 4, "v4")), all(s)],
  "a transaction with a statement that fails and is caught": (s) => {
    s.transaction(() => {
      put(s, 4, "v4");
      try {
        put(s, 4, "again");
      } catch {
        put(s, 5, "v5");
      }
    });
    return all(s);
  },
  "a transaction within one that throws, caught by the outer": (s) => {
    s.transaction(() => {
      put(s, 6, "outer");
      failing(s, () => void put(s, 7, "inner"));
    });
    return all(s);
  },
  "a transaction that throws around one that did not": (s) => [
    failing(s, () => s.transaction(() => put(s, 8, "inner"))),
    all(s),
  ],
  "an error without a transaction undoes nothing": (s) => {
    try {
      put(s, 9, "stays");
      throw new Error("on purpose");
    } catch {
      return all(s);
    }
  },
  "a cursor sees what is written ahead of it": (s) => {
    refill(s);
    const rows = s.exec("SELECT k FROM t ORDER BY k");
    const seen = [next(rows), next(rows)];
    put(s, 5, "late");
    s.exec("DELETE FROM t WHERE k = 3");
    return [...seen, next(rows), next(rows), next(rows)];
  },
  "a cursor has read its first row when it is made": (s) => {
    refill(s);
    const rows = s.exec("SELECT k, v FROM t ORDER BY k");
    s.exec("UPDATE t SET v = 'changed'");
    return Array.from(rows, ({ v }) => v);
  },
  "two cursors of one statement": (s) => {
    refill(s);
    const [one, other] = [s.exec("SELECT k FROM t"), s.exec("SELECT k FROM t")];
    return [next(one), next(other), next(other), next(one), next(one), next(other)];
  },
  "a cursor that is left behind in a transaction": (s) => {
    refill(s);
    s.transaction(() => {
      next(s.exec("SELECT k FROM t"));
      put(s, 5, "after");
    });
    return all(s);
  },
  "a cursor that is left behind in a transaction that throws": (s) => {
    refill(s);
    const error = failing(s, () => {
      next(s.exec("SELECT k FROM t"));
      put(s, 5, "after");
    });
    return [error, all(s)];
  },
  "the first row alone": (s) => {
    refill(s);
    const [first] = s.exec("SELECT k FROM t ORDER BY k DESC");
    put(s, 5, "after");
    return [first?.["k"], all(s).length];
  },
  "a cursor at its end stays there": (s) => {
    const rows = s.exec("SELECT k FROM t WHERE k = 1");
    return [next(rows), next(rows), next(rows)];
  },
  "times and other large numbers": (s) => [
    ...s.exec("SELECT ? AS time, ? AS safe, ? AS half", 1_800_000_000_123, 2 ** 53 - 1, 0.5),
  ],
  "a number that is none": (s) => [...s.exec("SELECT ? IS NULL AS isNull", Number.NaN)],
  "text of all kinds": (s) => [
    ...s.exec("SELECT ? AS a, ? AS b, length(?) AS n", "ж😀\n", '{"a":"\\u0000"}', ""),
  ],
  "types out of JSON": (s) => [
    ...s.exec(
      `SELECT value ->> 0 AS a, value ->> 1 AS b, value ->> 2 AS c, typeof(value ->> 0) AS ta,
         typeof(value ->> 1) AS tb, typeof(value ->> 2) AS tc FROM json_each(?)`,
      JSON.stringify([[1_800_000_000_000, '{"q":"\\"x\\""}', null]]),
    ),
  ],
  "a list of ids": (s) => [
    ...s.exec("SELECT k FROM t WHERE k IN (SELECT value FROM json_each(?)) ORDER BY k", "[3,1,99]"),
  ],
  "a long text": (s) => [...s.exec("SELECT length(?) AS n", "x".repeat(1_900_000))],
  "the ledger's table of tasks": (s) => {
    s.exec(`CREATE TABLE tasks (parked INTEGER NOT NULL, id TEXT NOT NULL, queue TEXT NOT NULL,
      due_at INTEGER NOT NULL, PRIMARY KEY (parked, id)) WITHOUT ROWID`);
    s.exec("CREATE INDEX parked_tasks ON tasks (queue, due_at, id) WHERE parked = 1");
    return written(s, LEDGER_INSERT, '[[0,"a","q",1],[0,"b","q",1]]');
  },
  "the same id ready and parked": (s) => {
    s.exec(LEDGER_INSERT, '[[1,"a","q",5],[1,"c","q",4]]');
    const ids = s.exec("SELECT id, parked FROM tasks WHERE parked IN (0, 1) AND id = 'a'");
    return Array.from(ids, ({ parked }) => parked);
  },
  "parked tasks in the order of their index": (s) =>
    Array.from(
      s.exec("SELECT id FROM tasks WHERE parked = 1 AND queue = 'q' ORDER BY due_at, id"),
      ({ id }) => id,
    ),
  "a ready task is parked": (s) => {
    s.exec("UPDATE tasks SET parked = 1, due_at = 3 WHERE parked = 0 AND id = 'b'");
    return Array.from(s.exec("SELECT id, parked FROM tasks ORDER BY parked, id"), (row) =>
      Object.values(row),
    );
  },
  "a ready task is deleted": (s) =>
    written(
      s,
      "DELETE FROM tasks WHERE parked = ? AND id IN (SELECT value FROM json_each(?))",
      0,
      '["a","z"]',
    ),
  "a row that is written again": (s) => {
    s.exec("CREATE TABLE slots (slot INTEGER PRIMARY KEY, tasks TEXT NOT NULL)");
    const sql = "INSERT OR REPLACE INTO slots (slot, tasks) VALUES (?, ?)";
    return [written(s, sql, 0, "[]"), written(s, sql, 0, "[1]"), written(s, sql, 1, "[2]")];
  },
  "no alarm": (s) => s.getAlarm(),
  "an alarm": async (s) => (s.setAlarm(FAR), await s.getAlarm()),
  "a later alarm replaces it": async (s) => (s.setAlarm(FAR + 1_000), await s.getAlarm()),
  "so does an earlier one": async (s) => (s.setAlarm(FAR - 1_000), await s.getAlarm()),
};

/** The year 2100: it never goes off here. */
const FAR = 4_102_444_800_000;

/** Runs all steps on an empty storage. */
export async function traceOf(storage: Storage): Promise<Trace> {
  const trace: [string, unknown][] = [];
  for (const [name, step] of Object.entries(STEPS)) {
    try {
      trace.push([name, await step(storage)]);
    } catch {
      // The texts of errors are each runtime's own.
      trace.push([name, "throws"]);
    }
  }
  return JSON.parse(JSON.stringify(trace)) as Trace;
}

import { DatabaseSync, type SQLInputValue } from "node:sqlite";

const FLUSH_AT = 500;

/** How a call ended for its client. Unknown: it was sent, and no answer says what became of it. `undone` in the tables: how it ended is no longer true, see there. */
export type Outcome = "ok" | "fail" | "unknown";

/**
 * calls    what the client asked for, once it knows how that ended
 * refs     the tasks that a call makes if it is taken, all or none; `id` where the answer tells
 * orders   orders, by their own id: a repeated one is the same
 * mails    what the mail server took
 * lost     recipients of whose mail the mail server broke the connection after it had taken it
 * effects  how often the receiver was told of a ref, and when it was last
 * undone   times whose data is gone: the server was brought back as it was at the beginning
 * kills    when the server was killed, and at which moment
 */
const TABLES = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = OFF;
  CREATE TABLE calls (call TEXT PRIMARY KEY, kind TEXT NOT NULL, outcome TEXT NOT NULL, id TEXT, at INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE refs (ref TEXT PRIMARY KEY, call TEXT NOT NULL, id TEXT) WITHOUT ROWID;
  CREATE TABLE orders (id TEXT PRIMARY KEY, outcome TEXT NOT NULL, is_declined INTEGER NOT NULL, email_id TEXT, payment_id TEXT, at INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE mails (message_id TEXT NOT NULL, recipient TEXT NOT NULL, at INTEGER NOT NULL);
  CREATE TABLE lost (recipient TEXT NOT NULL);
  CREATE TABLE effects (ref TEXT PRIMARY KEY, count INTEGER NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE charges (order_id TEXT NOT NULL, captures INTEGER NOT NULL, amount INTEGER NOT NULL);
  CREATE TABLE undone ("from" INTEGER NOT NULL, until INTEGER NOT NULL);
  CREATE TABLE kills (at INTEGER NOT NULL, moment TEXT NOT NULL);
  CREATE TABLE wrongs (what TEXT NOT NULL, detail TEXT NOT NULL);
`;

export const STATEMENTS = {
  call: "INSERT INTO calls VALUES (?, ?, ?, ?, ?)",
  ref: "INSERT INTO refs VALUES (?, ?, ?)",
  order: `INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
    outcome = excluded.outcome, email_id = excluded.email_id, payment_id = excluded.payment_id
    WHERE orders.outcome <> 'ok'`,
  mail: "INSERT INTO mails VALUES (?, ?, ?)",
  lost: "INSERT INTO lost VALUES (?)",
  effect: `INSERT INTO effects VALUES (?, 1, ?)
    ON CONFLICT (ref) DO UPDATE SET count = count + 1, at = excluded.at`,
  charge: "INSERT INTO charges VALUES (?, ?, ?)",
  kill: "INSERT INTO kills VALUES (?, ?)",
  wrong: "INSERT INTO wrongs VALUES (?, ?)",
} as const;

/**
 * What was done to the server and what it did to the world, written down outside of it, in a file: it survives
 * every kill, and an hour of it takes no memory.
 */
export class Journal {
  readonly db: DatabaseSync;
  readonly #statements;
  #waiting: [keyof typeof STATEMENTS, SQLInputValue[]][] = [];

  /** @param path of a file that is not there yet */
  constructor(path: string) {
    this.db = new DatabaseSync(path);
    this.db.exec(TABLES);
    this.#statements = new Map(
      Object.entries(STATEMENTS).map(([name, sql]) => [name, this.db.prepare(sql)]),
    );
  }

  add(table: keyof typeof STATEMENTS, ...values: SQLInputValue[]): void {
    this.#waiting.push([table, values]);
    if (this.#waiting.length >= FLUSH_AT) this.flush();
  }

  /** What a promise that was broken before the end is reported with. */
  wrong(what: string, detail: unknown): void {
    this.add("wrong", what, JSON.stringify(detail).slice(0, 2_000));
  }

  flush(): void {
    const rows = this.#waiting;
    this.#waiting = [];
    this.db.exec("BEGIN");
    for (const [table, values] of rows) this.#statements.get(table)?.run(...values);
    this.db.exec("COMMIT");
  }

  rows<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    this.flush();
    return this.db.prepare(sql).all(...values) as Row[];
  }

  close(): void {
    this.flush();
    this.db.close();
  }
}

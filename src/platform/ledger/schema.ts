import type { SqlPort } from "./ports.ts";

/**
 * The ledger's tables, as an append-only list of migrations: `user_version`-like, the number applied is
 * kept in `schema_version`. Never edit an entry that was released; add one.
 *
 * tasks     written by submit, retry, loss, revoke, an express lease's heartbeat · read by claim, get · deleted when the task ends
 * leases    written by claim, heartbeat · read at load · a row is reused when its lease is over
 * finished  written by settle, revoke, expiry · read at load · a row is reused once D1 has its tasks, deleted after a day
 * figures   written by the watchdog's tick · read by figures, at load · folded, then deleted by that tick
 * uniques   written by submit · read by submit · deleted when their task ends, or their time is over
 * steps     written by recordSteps, suspend · read by durable, get · deleted when the task ends
 * events    written by sendEvent · read by durable, suspend · deleted when taken, or the task ends
 * event_keys  written by sendEvent · read by it · deleted when the task ends
 * canvas_*  see canvas-store.ts · deleted when the canvas ends
 * asks      written when a limiter says that the next start, of a key or of all, is far off · read when a name is first looked at · one row per name, overwritten
 * controls  written by configure · read at load · one row, overwritten
 *
 * A row written costs money, so there is no row per state: a plain task is one insert and one delete
 * here, and its share of a lease row and a finished row. Run by who submitted it, it brings its lease along.
 */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE tasks (
    -- 0: due since it was submitted, and in the lanes in memory. 1: found through the index below.
    parked INTEGER NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    queue TEXT NOT NULL,
    priority INTEGER NOT NULL,
    owner TEXT NOT NULL,
    -- JSON text of the arguments by name.
    kwargs TEXT NOT NULL,
    -- JSON text of the run options; null for none.
    options TEXT,
    -- Hash of the call, for ids that may come twice; null otherwise.
    fingerprint TEXT,
    -- Times are epoch ms of the ledger's clock. due_at is the earliest start.
    submitted_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    expires_at INTEGER,
    -- Attempts that ended, losses included; and how many of them were followed by a retry.
    attempts_made INTEGER NOT NULL DEFAULT 0,
    retries INTEGER NOT NULL DEFAULT 0,
    -- JSON text of the newest attempts; null before the first ended.
    attempts TEXT,
    -- 1: its consumer was lost; it is claimed alone from now on.
    is_suspect INTEGER NOT NULL DEFAULT 0,
    -- How often its consumer was lost while it was claimed alone.
    solo_losses INTEGER NOT NULL DEFAULT 0,
    -- 1: revoked while running, so not to be tried again.
    is_revoked INTEGER NOT NULL DEFAULT 0,
    -- The newest lease that is over: a lease with this token or an older one doesn't hold the task.
    token INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (parked, id)
  ) WITHOUT ROWID`,
  `CREATE INDEX parked_tasks ON tasks (queue, priority, due_at, id) WHERE parked = 1`,
  `CREATE TABLE leases (
    slot INTEGER PRIMARY KEY,
    token INTEGER NOT NULL,
    queue TEXT NOT NULL,
    -- 1: a suspect, claimed alone.
    is_solo INTEGER NOT NULL,
    claimed_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    -- JSON array of task ids.
    task_ids TEXT NOT NULL
  )`,
  `CREATE TABLE finished (
    slot INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL,
    -- Every row up to this seq was in D1 when this one was written.
    flushed_seq INTEGER NOT NULL,
    -- JSON array of finished tasks.
    tasks TEXT NOT NULL
  )`,
  // The gate a task waits at, see gateOf() in engine/limits.ts; empty: none. Tasks with one are parked.
  `ALTER TABLE tasks ADD COLUMN gate TEXT NOT NULL DEFAULT ''`,
  `DROP INDEX parked_tasks`,
  `CREATE INDEX parked_tasks ON tasks (queue, gate, priority, due_at, id) WHERE parked = 1`,
  `CREATE TABLE controls (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    -- JSON text of Controls.
    controls TEXT NOT NULL
  )`,
  // Only tasks that expire enter it, and pay a row more for it.
  `CREATE INDEX expiring_tasks ON tasks (expires_at) WHERE expires_at IS NOT NULL`,
  `CREATE TABLE uniques (
    key TEXT PRIMARY KEY,
    -- Whose the key is: a call like it is one with this task.
    task_id TEXT NOT NULL,
    -- 1: taken until the task ends.
    is_open INTEGER NOT NULL,
    -- Taken until then in any case, epoch ms; 0: not by time.
    until INTEGER NOT NULL
  ) WITHOUT ROWID`,
  `CREATE INDEX timed_uniques ON uniques (until) WHERE is_open = 0`,
  // 1: it has steps or events.
  `ALTER TABLE tasks ADD COLUMN is_durable INTEGER NOT NULL DEFAULT 0`,
  // JSON text of Suspension while it waits in the middle of its steps; null otherwise.
  `ALTER TABLE tasks ADD COLUMN suspension TEXT`,
  `CREATE TABLE steps (
    task_id TEXT NOT NULL,
    idx INTEGER NOT NULL,
    -- JSON text of StepRecord.
    record TEXT NOT NULL,
    PRIMARY KEY (task_id, idx)
  ) WITHOUT ROWID`,
  `CREATE TABLE events (
    task_id TEXT NOT NULL,
    -- In the order of delivery.
    seq INTEGER NOT NULL,
    name TEXT NOT NULL,
    payload TEXT NOT NULL,
    PRIMARY KEY (task_id, seq)
  ) WITHOUT ROWID`,
  `CREATE TABLE event_keys (
    task_id TEXT NOT NULL,
    key TEXT NOT NULL,
    PRIMARY KEY (task_id, key)
  ) WITHOUT ROWID`,
  `CREATE TABLE canvas_parts (
    canvas_id TEXT NOT NULL,
    -- Of the first node in it.
    place INTEGER NOT NULL,
    -- JSON array of PlanNode.
    nodes TEXT NOT NULL,
    PRIMARY KEY (canvas_id, place)
  ) WITHOUT ROWID`,
  `CREATE TABLE canvas_members (
    canvas_id TEXT NOT NULL,
    -- Of the group.
    place INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    -- Members in it, and how many of them failed.
    done INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    -- JSON array, see Entry in canvas-store.ts.
    entries TEXT NOT NULL,
    PRIMARY KEY (canvas_id, place, seq)
  ) WITHOUT ROWID`,
  `CREATE TABLE canvas_values (
    -- The canvas, or a task that is in none.
    id TEXT NOT NULL,
    place INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    -- A part of the JSON text of a Value, or of Undoing.
    text TEXT NOT NULL,
    PRIMARY KEY (id, place, seq)
  ) WITHOUT ROWID`,
  // In the newest row: what was counted in the minutes that `figures` doesn't have yet, see FiguresBook.
  `ALTER TABLE finished ADD COLUMN figures TEXT NOT NULL DEFAULT '{}'`,
  `CREATE TABLE figures (
    -- Since 1970; where the time begins, and how many minutes it is long: 1, 10 or 60.
    minute INTEGER PRIMARY KEY,
    minutes INTEGER NOT NULL,
    -- JSON text of FiguresByTask: of this time, and (in minutes) of all time until its end.
    figures TEXT NOT NULL,
    total TEXT NOT NULL
  )`,
  // JSON text of the lease that it was inserted under, see LeaseBook; null: it was inserted to wait.
  `ALTER TABLE tasks ADD COLUMN express TEXT`,
  // When its tasks ended, epoch ms.
  `ALTER TABLE finished ADD COLUMN ended_at INTEGER NOT NULL DEFAULT 0`,
  `CREATE TABLE asks (
    -- Of tasks.
    name TEXT PRIMARY KEY,
    -- The limits that held when the limiter said so, and the version of the controls; JSON text.
    limits TEXT NOT NULL,
    -- No start is to be asked for before this, epoch ms.
    at INTEGER NOT NULL,
    -- JSON array of the keys that got something last, the one that was longest ago first.
    served TEXT NOT NULL
  ) WITHOUT ROWID`,
  // JSON array of keys and, for each, the time before which no start of its own is to be asked for, epoch ms.
  `ALTER TABLE asks ADD COLUMN waits TEXT NOT NULL DEFAULT '[]'`,
];

/**
 * Brings the tables up to date. Runs at every start of the object; writes nothing when they are.
 * @returns whether there were none: the object is new
 */
export function migrate(sql: SqlPort, migrations: readonly string[] = MIGRATIONS): boolean {
  return sql.transaction(() => {
    consume(sql.exec("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)"));
    const [current] = [...sql.exec<{ version: number }>("SELECT version FROM schema_version")];
    const version = current?.version ?? 0;
    // A version from before may be back for a while: it leaves what the next one has brought.
    if (version >= migrations.length) return false;
    for (const statement of migrations.slice(version)) consume(sql.exec(statement));
    consume(sql.exec("DELETE FROM schema_version"));
    consume(sql.exec("INSERT INTO schema_version (version) VALUES (?)", migrations.length));
    return version === 0;
  });
}

/** Runs a lazy statement to its end. */
export function consume(rows: Iterable<unknown>): void {
  for (const _row of rows);
}

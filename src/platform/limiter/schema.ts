/**
 * The limiter's tables, append-only like the ledger's.
 *
 * holders  written by every request that holds, or held, something · one row per shard, overwritten
 * slots    written when a start is granted of a slow rate, and when a shard comes to wait for one that is far off ·
 *          one row per chain, deleted when it is long past
 * covered  written when a start is granted of a fast rate, every nine seconds at most · one row, overwritten
 */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE holders (
    shard INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL,
    -- JSON array of Holding.
    holdings TEXT NOT NULL
  )`,
  `CREATE TABLE slots (
    -- "" for all calls of the task, else the key.
    chain TEXT PRIMARY KEY,
    -- The last start that was granted, epoch ms.
    last_at INTEGER NOT NULL
  ) WITHOUT ROWID`,
  `CREATE TABLE covered (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    -- No start of a fast rate was granted for later than this, epoch ms.
    until INTEGER NOT NULL
  )`,
  // The shards that were told when to ask again, in the order of their turns: JSON array of their numbers.
  `ALTER TABLE slots ADD COLUMN turns TEXT NOT NULL DEFAULT '[]'`,
];

import { migrate } from "#platform/ledger/schema.ts";
import { SimSql } from "../../src/testing/sim-sql.ts";

const emptied: SimSql[] = [];

/**
 * Storage of a ledger whose tables are there, and empty: to make them, and to prepare all statements anew, takes
 * longer than many a history.
 */
export function borrowLedgerStorage(): SimSql {
  const used = emptied.pop();
  if (used !== undefined) return used;
  const sql = new SimSql();
  migrate(sql);
  return sql;
}

/** For the next one: nobody uses it any more. */
export function giveLedgerStorageBack(sql: SimSql): void {
  sql.empty("schema_version");
  emptied.push(sql);
}

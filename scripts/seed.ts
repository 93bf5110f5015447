import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { databaseOf } from "./environments.ts";
import { seededShop, statementsOf } from "./seed/shop.ts";
import { runWrangler } from "./wrangler.ts";

const DAY_MS = 86_400_000;
/** Characters of one file. */
const FILE_LENGTH = 8_000_000;

export interface SeedOptions {
  readonly orders: number;
  /** They are spread over so many days before today. */
  readonly days: number;
  readonly seed: number;
  /** Whose database; undefined: the local one, which is brought up to date first. */
  readonly env: string | undefined;
  /** Told how many orders there are, whenever some were written. */
  readonly onProgress: (orders: number) => void;
}

/**
 * Fills the database with a realistic shop, for trying reports and lists (`lovage seed`). Adds rows and
 * changes none; a second run with the same options adds nothing. No mail is sent and no task runs: it is the
 * past that is made up.
 * @returns how many rows were made for each table
 * @throws Error with what wrangler said
 */
export async function seed(options: SeedOptions): Promise<ReadonlyMap<string, number>> {
  const { orders, days, env, onProgress } = options;
  // At midnight, so that a second run on the same day makes the same rows.
  const now = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  if (env === undefined) await wrangler(["d1", "migrations", "apply", "lovage", "--local"]);
  const rows = new Map<string, number>();
  let statements: string[] = [];
  let length = 0;
  const flush = async () => {
    if (statements.length > 0) await execute(statements, env);
    statements = [];
    length = 0;
    onProgress(rows.get("orders") ?? 0);
  };
  for (const piece of seededShop({ orders, days, now }, options.seed)) {
    rows.set(piece.table, (rows.get(piece.table) ?? 0) + piece.rows.length);
    for (const statement of statementsOf(piece)) {
      statements.push(statement);
      length += statement.length;
      if (length >= FILE_LENGTH) await flush();
    }
  }
  await flush();
  return rows;
}

async function execute(statements: readonly string[], env: string | undefined): Promise<void> {
  const file = join(tmpdir(), `lovage-seed-${process.pid}.sql`);
  writeFileSync(file, statements.join("\n"));
  try {
    await wrangler(["d1", "execute", "DB", ...databaseOf(env), "--file", file, "-y"]);
  } finally {
    rmSync(file);
  }
}

async function wrangler(args: readonly string[]): Promise<void> {
  const { code, text } = await runWrangler(args);
  if (code !== 0) throw new Error(text);
}

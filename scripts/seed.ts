/**
 * `npm run seed`: fills the database with a realistic shop, for trying reports and lists.
 *
 *   npm run seed -- [--orders 10000] [--days 60] [--seed 1] [--env staging]
 *
 * Adds rows and changes none; a second run with the same options adds nothing. No mail is sent and no task
 * runs: it is the past that is made up. With --env it is the database of a deployment that is filled.
 */
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { seededShop, statementsOf } from "./seed/shop.ts";
import { databaseOf } from "./environments.ts";
import { runWrangler } from "./wrangler.ts";

const DAY_MS = 86_400_000;
/** Characters of one file. */
const FILE_LENGTH = 8_000_000;

const { values } = parseArgs({
  options: {
    orders: { type: "string", default: "10000" },
    days: { type: "string", default: "60" },
    seed: { type: "string", default: "1" },
    env: { type: "string" },
  },
});

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

function count(name: "orders" | "days" | "seed", min: number, max: number): number {
  const number = Number(values[name]);
  if (!Number.isInteger(number) || number < min || number > max) {
    fail(`--${name} must be an integer from ${min} to ${max}.`);
  }
  return number;
}

async function execute(statements: readonly string[]): Promise<void> {
  const file = join(tmpdir(), `lovage-seed-${process.pid}.sql`);
  writeFileSync(file, statements.join("\n"));
  try {
    const { code, text } = await runWrangler([
      ...["d1", "execute", "DB", ...databaseOf(values.env), "--file", file, "-y"],
    ]);
    if (code !== 0) fail(text);
  } finally {
    rmSync(file);
  }
}

const orders = count("orders", 1, 1_000_000);
const days = count("days", 1, 3_650);
const seed = count("seed", 0, 4_294_967_295);
// At midnight, so that a second run on the same day makes the same rows.
const now = Math.floor(Date.now() / DAY_MS) * DAY_MS;
if (values.env === undefined) {
  const { code, text } = await runWrangler(["d1", "migrations", "apply", "lovage", "--local"]);
  if (code !== 0) fail(text);
}
const rows = new Map<string, number>();
let statements: string[] = [];
let length = 0;
for (const piece of seededShop({ orders, days, now }, seed)) {
  rows.set(piece.table, (rows.get(piece.table) ?? 0) + piece.rows.length);
  for (const statement of statementsOf(piece)) {
    statements.push(statement);
    length += statement.length;
    if (length < FILE_LENGTH) continue;
    await execute(statements);
    statements = [];
    length = 0;
  }
}
if (statements.length > 0) await execute(statements);
console.table(Object.fromEntries([...rows].map(([table, added]) => [table, { rows: added }])));

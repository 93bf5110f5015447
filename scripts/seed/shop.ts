import { Chance } from "./chance.ts";
import { deals } from "./deals.ts";
import { people, type Rows, type SeedOptions } from "./people.ts";
import { sales } from "./sales.ts";
import { traffic } from "./traffic.ts";

export type { Rows, SeedOptions } from "./people.ts";

/** A whole shop, the same for the same options and seed, in pieces that fit into memory. */
export function* seededShop(options: SeedOptions, seed: number): Generator<Rows> {
  const chance = new Chance(seed);
  yield* people(options, chance);
  yield* sales(options, chance);
  yield* deals(options, chance);
  yield* traffic(options, chance);
}

/** Bytes of a statement: D1 takes 100,000. */
const MAX_STATEMENT = 60_000;

/** Statements that insert rows, without parameters: `wrangler d1 execute --file` takes none. */
export function* statementsOf({ table, columns, rows }: Rows): Generator<string> {
  const values = columns.map((_column, index) => `value ->> ${index}`).join(", ");
  const head = `INSERT OR IGNORE INTO ${table} (${columns.join(", ")}) SELECT ${values} FROM json_each('`;
  let taken: string[] = [];
  let length = 0;
  for (const row of rows) {
    const text = JSON.stringify(row).replaceAll("'", "''");
    if (taken.length > 0 && length + text.length > MAX_STATEMENT) {
      yield `${head}[${taken.join(",")}]');`;
      taken = [];
      length = 0;
    }
    taken.push(text);
    length += text.length + 1;
  }
  if (taken.length > 0) yield `${head}[${taken.join(",")}]');`;
}

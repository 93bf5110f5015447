import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import { listPendingVerifications, listTransactions } from "#domain/escrow";
import { addUsers, BEGIN, createEscrow, DAY_MS, emptyEscrow } from "./escrow.ts";

/** A statement as it was run. */
interface Ran {
  readonly query: string;
  readonly values: unknown[];
}

beforeEach(async () => {
  await emptyEscrow();
  await addUsers(1, 2);
});

/** The database, with a record of what is asked of it. */
function recordingDatabase(ran: Ran[]): D1Database {
  return new Proxy(env.DB, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property);
      if (typeof value !== "function") return value;
      if (property !== "prepare") return value.bind(target);
      return (query: string) => {
        const statement = target.prepare(query);
        const bind = statement.bind.bind(statement);
        statement.bind = (...values) => {
          ran.push({ query, values });
          return bind(...values);
        };
        return statement;
      };
    },
  });
}

/** What reads a table from end to end: the whole of it, or an index that holds all of it. */
async function scansOf(ran: readonly Ran[]): Promise<string[]> {
  const partial =
    /USING (COVERING )?INDEX \w+_(unfunded|buying|selling|disputed|owed|pending|due)$/;
  const plans = await Promise.all(
    ran.map(({ query, values }) =>
      env.DB.prepare(`EXPLAIN QUERY PLAN ${query}`)
        .bind(...values)
        .all<{ detail: string }>(),
    ),
  );
  return plans
    .flatMap(({ results }) => results.map(({ detail }) => detail))
    .filter((detail) => /^SCAN (escrow|seller|users|emails)/.test(detail) && !partial.test(detail));
}

it.each([
  ["cleanup_old_pending_transactions", "unfunded"],
  ["check_overdue_milestones", "owed"],
  ["send_daily_transaction_summary", "buying"],
])(
  "%s reads what it is after through an index, and nothing from end to end",
  async (name, index) => {
    const ran: Ran[] = [];
    const escrow = createEscrow({ database: recordingDatabase(ran) });
    await escrow.verify();
    await escrow.created();
    await escrow.start(await escrow.created());
    escrow.time.now = BEGIN + 30 * DAY_MS;
    ran.length = 0;
    expect(await escrow.run(name)).toMatchObject({ mails: expect.any(Number) as number });
    expect(await scansOf(ran)).toEqual([]);
    const reads = ran.filter(({ query }) => /^select.*escrow_/.test(query));
    const plans = await Promise.all(
      reads.map(({ query, values }) =>
        env.DB.prepare(`EXPLAIN QUERY PLAN ${query}`)
          .bind(...values)
          .all<{ detail: string }>(),
      ),
    );
    const details = plans.flatMap(({ results }) => results.map(({ detail }) => detail)).join("\n");
    expect(details).toMatch(new RegExp(`SEARCH escrow_\\w+ USING (COVERING )?INDEX \\w+_${index}`));
  },
);

it("lists read through an index, and need no sorting", async () => {
  const ran: Ran[] = [];
  const { db } = createEscrow({ database: recordingDatabase(ran) });
  const page = { before: "01", limit: 10 };
  await listTransactions(db, { ...page, userId: 1, state: null });
  await listTransactions(db, { ...page, userId: 1, state: "funded" });
  await listTransactions(db, { ...page, userId: null, state: null });
  await listTransactions(db, { ...page, userId: null, state: "disputed" });
  await listPendingVerifications(db, 10);
  expect(ran).toHaveLength(7);
  expect(await scansOf(ran)).toEqual([]);
  const used: string[] = [];
  for (const { query, values } of ran) {
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${query}`)
      .bind(...values)
      .all<{ detail: string }>();
    const plan = results.map(({ detail }) => detail).join();
    expect(plan).not.toContain("TEMP B-TREE");
    used.push(/INDEX (?:escrow_transactions|seller_verifications)_(\w+)/.exec(plan)?.[1] ?? "key");
  }
  expect(used).toEqual(["buyer", "seller", "buyer", "seller", "key", "disputed", "pending"]);
});

it("a change reads and writes by keys alone", async () => {
  const ran: Ran[] = [];
  const escrow = createEscrow({ database: recordingDatabase(ran) });
  await escrow.verify();
  const id = await escrow.created();
  await escrow.start(id);
  expect(ran.length).toBeGreaterThan(20);
  expect(await scansOf(ran)).toEqual([]);
});

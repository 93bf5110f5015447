import { and, lte, sql, type SQL } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { toBase64url, type Clock } from "#engine";
import { hmac } from "./secrets.ts";
import { triesLeft } from "./tables.ts";

/** At most `max` tries in each window of so many seconds. Windows begin at whole multiples of their length. */
interface Limit {
  readonly max: number;
  readonly seconds: number;
}

const MINUTE = 60;
const HOUR = 3_600;

/**
 * What is limited, and for whom: the account that is meant (whether it exists or not), the network address
 * it comes from, and everybody together (each try costs a slow hash).
 */
const LIMITS = {
  login: {
    account: { max: 10, seconds: 15 * MINUTE },
    address: { max: 50, seconds: 15 * MINUTE },
    all: { max: 600, seconds: MINUTE },
  },
  register: {
    account: null,
    address: { max: 30, seconds: HOUR },
    all: { max: 600, seconds: MINUTE },
  },
  reset: {
    account: { max: 5, seconds: HOUR },
    address: { max: 30, seconds: HOUR },
    all: { max: 600, seconds: MINUTE },
  },
  confirm: {
    account: null,
    address: { max: 50, seconds: 15 * MINUTE },
    all: null,
  },
  // Nothing that is guessed: people who have the shop write mails, to an address that nobody proved.
  mailing: {
    account: { max: 30, seconds: HOUR },
    address: null,
    all: null,
  },
  // People who pay an order by another card: nobody finds out here which stolen ones work.
  paying: {
    account: { max: 10, seconds: HOUR },
    address: null,
    all: null,
  },
} as const satisfies Record<string, Record<"account" | "address" | "all", Limit | null>>;

const KINDS = ["account", "address", "all"] as const;

type Trial = keyof typeof LIMITS;

/** Whom a try is counted for. */
export interface Tried {
  readonly trial: Trial;
  /** What names the account, as it was typed; "" where nothing does. */
  readonly account: string;
  /** The network that it comes from, see `Origin`. */
  readonly address: string;
}

/** What names a row of `tries_left`. */
type Counter = readonly [endsAt: number, key: string];

/** A try that was counted; for giving it back. */
export interface CountedTry {
  /** Of the account first, where there is one. */
  readonly counters: readonly Counter[];
}

interface Parts {
  readonly db: DrizzleD1Database;
  readonly clock: Clock;
  readonly keyFor: (purpose: string) => Promise<CryptoKey>;
}

/**
 * Counts a try, before it is made: of many at the same time each is counted, over the whole deployment. One
 * that is refused is not counted, so that it takes nothing from others. Rows written: 1 for each limit.
 * @returns the try; or, if there was none left, how long to wait
 */
export async function countTry(
  { db, clock, keyFor }: Parts,
  { trial, account, address }: Tried,
): Promise<CountedTry | { readonly retryAfterSeconds: number }> {
  const now = clock.now();
  const whom = { account, address, all: "" };
  const wanted = await Promise.all(
    KINDS.flatMap((kind) => {
      const limit: Limit | null = LIMITS[trial][kind];
      if (limit === null) return [];
      return counterOf(keyFor("tries"), [trial, kind, whom[kind]], limit, now).then((counter) => ({
        counter,
        first: limit.max - 1,
      }));
    }),
  );
  const counters = wanted.map(({ counter }) => counter);
  const values = JSON.stringify(wanted.map(({ counter, first }) => [...counter, first]));
  const isOver = and(isOneOf(counters), lte(triesLeft.remaining, 0));
  const counted = await db
    .insert(triesLeft)
    .select(
      sql`SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(${values})
        WHERE NOT EXISTS (SELECT 1 FROM tries_left WHERE ${isOver})`,
    )
    .onConflictDoUpdate({
      target: [triesLeft.endsAt, triesLeft.key],
      set: { remaining: sql`tries_left.remaining - 1` },
    })
    .returning({ key: triesLeft.key });
  if (counted.length > 0) return { counters };
  const over = await db.select({ endsAt: triesLeft.endsAt }).from(triesLeft).where(isOver);
  const endsAt = Math.max(now + 1_000, ...over.map((row) => row.endsAt));
  return { retryAfterSeconds: Math.ceil((endsAt - now) / 1_000) };
}

/**
 * The statements after a try that was right: it never was one, and the account has all its tries again.
 * Rows written: 1 for each limit.
 */
export function giveBack(
  db: DrizzleD1Database,
  { counters: [account, ...others] }: CountedTry,
): [BatchItem<"sqlite">, BatchItem<"sqlite">] {
  return [
    db.delete(triesLeft).where(isOneOf([account])),
    db
      .update(triesLeft)
      .set({ remaining: sql`remaining + 1` })
      .where(isOneOf(others)),
  ];
}

/**
 * The statement that gives an account all its tries to log in again; in a list, because by itself it would
 * run when it is awaited. Rows written: 1 or 0.
 */
export async function forgive(
  { db, clock, keyFor }: Parts,
  username: string,
): Promise<BatchItem<"sqlite">[]> {
  const { account } = LIMITS.login;
  const what = ["login", "account", username] as const;
  const counter = await counterOf(keyFor("tries"), what, account, clock.now());
  return [db.delete(triesLeft).where(isOneOf([counter]))];
}

/** The row that counts for somebody now. */
async function counterOf(
  key: Promise<CryptoKey>,
  [trial, kind, whom]: readonly [Trial, (typeof KINDS)[number], string],
  { seconds }: Limit,
  now: number,
): Promise<Counter> {
  const mac = await hmac(key, JSON.stringify([trial, kind, whom.toLowerCase()]));
  const length = seconds * 1_000;
  return [(Math.floor(now / length) + 1) * length, toBase64url(mac.subarray(0, 16))];
}

function isOneOf(counters: readonly (Counter | undefined)[]): SQL {
  const rows = JSON.stringify(counters);
  return sql`(ends_at, key) IN (SELECT value ->> 0, value ->> 1 FROM json_each(${rows}))`;
}

import type { Chance } from "./chance.ts";

/** Rows for one table, in the order of the columns. */
export interface Rows {
  readonly table: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

/** What a seeded shop is like. */
export interface SeedOptions {
  readonly orders: number;
  /** The orders are spread over so many days before `now`. */
  readonly days: number;
  /** Epoch ms. */
  readonly now: number;
}

const DAY_MS = 86_400_000;
const FIRST = [
  "Anna",
  "Boris",
  "Clara",
  "Dmitri",
  "Elena",
  "Felix",
  "Galina",
  "Hugo",
  "Irina",
] as const;
const LAST = [
  "Adler",
  "Belova",
  "Costa",
  "Dubois",
  "Egorov",
  "Fischer",
  "Garcia",
  "Ivanova",
] as const;
/** Ids of seeded accounts count up from here; those of real ones are random. */
export const FIRST_USER = 1_000_001;

export function countUsers({ orders }: SeedOptions): number {
  return Math.max(20, Math.round(orders / 10));
}

/** One account in fifty sells. */
export function countSellers(options: SeedOptions): number {
  return Math.max(2, Math.round(countUsers(options) / 50));
}

export const emailOf = (userId: number) => `customer${userId}@example.com`;
export const localeOf = (userId: number) => (userId % 3 === 0 ? "ru" : "en");

/** Accounts that nobody can log in to: they have no password until they reset it. */
export function* people(options: SeedOptions, chance: Chance): Generator<Rows> {
  const count = countUsers(options);
  const sellers = countSellers(options);
  const users: unknown[][] = [];
  const verified: unknown[][] = [];
  for (let n = 0; n < count; n += 1) {
    const id = FIRST_USER + n;
    const name = [chance.pick(FIRST), chance.pick(LAST)];
    const createdAt = options.now - chance.integer(options.days, options.days + 365) * DAY_MS;
    const person = [id, `customer${id}`, emailOf(id), ...name, "!", "user", localeOf(id)];
    users.push([...person, createdAt, 1]);
    if (n < sellers) {
      const company = [`${name.join(" ")} & Co`, chance.pick(["DE", "FR", "KZ"]), "", null];
      verified.push([id, "VERIFIED", 2, ...company, createdAt, createdAt + DAY_MS]);
    }
  }
  yield {
    table: "users",
    columns: [
      ...["id", "username", "email", "first_name", "last_name", "password_hash", "role", "locale"],
      ...["created_at", "owns_email"],
    ],
    rows: users,
  };
  yield {
    table: "seller_verifications",
    columns: [
      ...["user_id", "status", "version", "legal_name", "country", "details", "reason"],
      ...["submitted_at", "decided_at"],
    ],
    rows: verified,
  };
}

import { sql } from "drizzle-orm";
import {
  index,
  integer,
  primaryKey,
  sqliteTable,
  text,
  uniqueIndex,
} from "drizzle-orm/sqlite-core";
import type { Locale } from "../mail/index.ts";

/** `viewer` sees the whole deployment, `operator` also steers it, `admin` may do everything. */
export const ROLES = ["user", "viewer", "operator", "admin"] as const;
export type Role = (typeof ROLES)[number];

/**
 * People. Written by registration, their profile, password resets, admins and `npm run admin`; read by
 * everything that writes to them, and with every request of theirs; deleted by nobody.
 */
export const users = sqliteTable(
  "users",
  {
    /** Random, so that nobody learns from theirs how many there are or who came before. Fits 31 bits. */
    id: integer().primaryKey(),
    username: text().notNull(),
    /** As it was given. Not proven: see `ownsEmail`. */
    email: text().notNull(),
    firstName: text("first_name").notNull(),
    lastName: text("last_name").notNull(),
    /** PHC string of scrypt; `!`: none yet, nobody can log in with one. */
    passwordHash: text("password_hash").notNull(),
    role: text().$type<Role>().notNull(),
    /** Null: the deployment's. */
    locale: text().$type<Locale>(),
    /** Epoch ms. */
    createdAt: integer("created_at").notNull(),
    /**
     * False: another account had the address before. The account works all the same, so that nobody learns
     * whose addresses are known; but the address is the other's, and what resets passwords goes by that.
     */
    ownsEmail: integer("owns_email", { mode: "boolean" }).notNull().default(true),
  },
  (table) => [
    uniqueIndex("users_username").on(sql`lower(${table.username})`),
    uniqueIndex("users_email")
      .on(sql`lower(${table.email})`)
      .where(sql`owns_email = 1`),
    index("users_admins")
      .on(table.id)
      .where(sql`role = 'admin'`),
  ],
);

/**
 * Who is signed in. Written by registration and login, and by use (`seenAt`); read by every request with such
 * a token; deleted by logging out, a new password, the login after too many, and when it is over by `cleanup_expired_tokens`.
 * WITHOUT ROWID.
 */
export const sessions = sqliteTable(
  "sessions",
  {
    /** Begins with the minute in which it ends, so that those that are over stand together. */
    id: text().primaryKey(),
    userId: integer("user_id").notNull(),
    /** Hex SHA-256 of the secret: 256 random bits need no slow hash. */
    secretHash: text("secret_hash").notNull(),
    /** Epoch ms. */
    createdAt: integer("created_at").notNull(),
    /** Epoch ms. */
    expiresAt: integer("expires_at").notNull(),
    /** The program it was opened with, as that calls itself; for its owner, to tell it from others. */
    userAgent: text("user_agent").notNull(),
    /**
     * When it was last used, some minutes behind: epoch ms. Null: it was not opened for the dashboard, and may
     * lie unused as long as it lasts.
     */
    seenAt: integer("seen_at"),
  },
  (table) => [index("sessions_user").on(table.userId)],
);

/**
 * Links that set a password. Written by their task and by `npm run admin`, closed by use and by newer ones;
 * deleted a day after their end by `cleanup_expired_tokens`, so that a task that is run again finds what
 * became of its link. WITHOUT ROWID.
 */
export const passwordResets = sqliteTable(
  "password_resets",
  {
    userId: integer("user_id").notNull(),
    /** The task that mails the link, or what else made it. */
    taskId: text("task_id").notNull(),
    /** Hex SHA-256 of the secret. */
    secretHash: text("secret_hash").notNull(),
    /** Epoch ms. */
    expiresAt: integer("expires_at").notNull(),
    /** Epoch ms, when it was used or a newer one made it void; null: neither. */
    closedAt: integer("closed_at"),
  },
  (table) => [
    primaryKey({ columns: [table.userId, table.taskId] }),
    index("password_resets_expiry").on(table.expiresAt),
  ],
);

/**
 * How many more tries there are in a window of time. Written by every try (one row for each of its keys)
 * and by successes, which give theirs back; read in the same statement; deleted by successes (an account's
 * own), and by `cleanup_expired_tokens` when the window is over. WITHOUT ROWID.
 */
export const triesLeft = sqliteTable(
  "tries_left",
  {
    /** End of the window, epoch ms; first in the key, so that what is over stands together. */
    endsAt: integer("ends_at").notNull(),
    /** What is counted and for whom, the latter as an HMAC: what people type as their name is nobody's to read. */
    key: text().notNull(),
    remaining: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.endsAt, table.key] })],
);

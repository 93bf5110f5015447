import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

/** `admin` may do everything. */
export type Role = "user" | "admin";

/**
 * People. Written by registration, their profile and admins; read by everything that writes to them; deleted
 * by nobody.
 */
export const users = sqliteTable(
  "users",
  {
    /** Counted up. */
    id: integer().primaryKey(),
    username: text().notNull(),
    /** As it was given; unique without regard to case. */
    email: text().notNull(),
    firstName: text("first_name").notNull(),
    lastName: text("last_name").notNull(),
    /** PHC string of scrypt. */
    passwordHash: text("password_hash").notNull(),
    role: text().$type<Role>().notNull(),
    /** Null: the deployment's. */
    locale: text().$type<"en" | "ru">(),
    /** Epoch ms. */
    createdAt: integer("created_at").notNull(),
  },
  (table) => [
    uniqueIndex("users_username").on(sql`lower(${table.username})`),
    uniqueIndex("users_email").on(sql`lower(${table.email})`),
    index("users_admins")
      .on(table.id)
      .where(sql`role = 'admin'`),
  ],
);

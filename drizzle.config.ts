import { defineConfig } from "drizzle-kit";

/** `npm run db:generate` writes the next migration from the tables; WITHOUT ROWID is added by hand. */
export default defineConfig({
  dialect: "sqlite",
  schema: "./src/**/tables.ts",
  out: "./migrations",
  casing: "snake_case",
});

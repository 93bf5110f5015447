import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";

/** Brings the database of a test file to the newest schema; migrations already there are skipped. */
await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);

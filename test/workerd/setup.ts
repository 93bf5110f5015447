import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { emptyTables } from "./domain/shop.ts";

/** Begins a test file with the newest schema and empty storage, also in a runtime that served others before. */
await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
await emptyTables();
for (const bucket of [env.FILES, env.RESULTS]) {
  const { objects } = await bucket.list();
  await bucket.delete(objects.map(({ key }) => key));
}

import { env } from "cloudflare:workers";
import { emptyTables } from "./shop.ts";

/** Begins a test file with empty storage: the runtime has served others before. */
await emptyTables();
for (const bucket of [env.FILES, env.RESULTS]) {
  const { objects } = await bucket.list();
  await bucket.delete(objects.map(({ key }) => key));
}

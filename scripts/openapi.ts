import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type * as made from "./openapi/made.ts";
import { openSource } from "./source.ts";
import { ROOT } from "./wrangler.ts";

/*
 * Writes what is made of the routes, without a server: `dist/openapi.json`, and the types of the client.
 */

const source = await openSource();
try {
  const { documentText, clientText } = (await source.ssrLoadModule(
    "/scripts/openapi/made.ts",
  )) as typeof made;
  mkdirSync(join(ROOT, "dist"), { recursive: true });
  writeFileSync(join(ROOT, "dist/openapi.json"), documentText());
  writeFileSync(join(ROOT, "client/api.ts"), clientText());
} finally {
  await source.close();
}

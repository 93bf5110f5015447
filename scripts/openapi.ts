import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createViteServer } from "vitest/node";
import type * as made from "./openapi/made.ts";
import { ROOT } from "./wrangler.ts";

/*
 * Writes what is made of the routes, without a server: `dist/openapi.json`, and the types of the client.
 * Vite loads the Worker's source, because the pages in it are JSX, which Node doesn't read.
 */

const vite = await createViteServer({
  root: ROOT,
  configFile: false,
  logLevel: "error",
  server: { middlewareMode: true, watch: null, ws: false },
  optimizeDeps: { noDiscovery: true },
  appType: "custom",
});
try {
  const { documentText, clientText } = (await vite.ssrLoadModule(
    "/scripts/openapi/made.ts",
  )) as typeof made;
  mkdirSync(join(ROOT, "dist"), { recursive: true });
  writeFileSync(join(ROOT, "dist/openapi.json"), documentText());
  writeFileSync(join(ROOT, "client/api.ts"), clientText());
} finally {
  await vite.close();
}

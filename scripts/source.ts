import { createViteServer } from "vitest/node";
import { ROOT } from "./wrangler.ts";

/**
 * What loads the Worker's source into a script: Vite, because the pages in it are JSX, which Node doesn't read. It is
 * to be closed.
 */
export function openSource() {
  return createViteServer({
    root: ROOT,
    configFile: false,
    logLevel: "error",
    server: { middlewareMode: true, watch: null, ws: false },
    optimizeDeps: { noDiscovery: true },
    appType: "custom",
  });
}

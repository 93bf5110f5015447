import { createViteServer } from "vitest/node";
import type * as run from "./simulate/run.ts";
import { ROOT } from "./wrangler.ts";

/*
 * npm run simulate -- [--tasks 20000000] [--mix name] [--seed n] [--from seed] [--length 1000] [--json file]
 * Runs simulated deployments, one process per core, all mixes in turn with ever new seeds, until so many tasks have
 * ended. Ends with 1 at the first promise that was broken. With --mix and --seed: that history alone, line by line.
 * Vite loads the source, because the shop's pages are JSX, which Node doesn't read.
 */

const vite = await createViteServer({
  root: ROOT,
  configFile: false,
  logLevel: "error",
  server: { middlewareMode: true, watch: null, ws: false },
  optimizeDeps: { noDiscovery: true },
  appType: "custom",
});
const { serve, simulate } = (await vite.ssrLoadModule("/scripts/simulate/run.ts")) as typeof run;
if (process.argv[2] === "worker") {
  serve();
} else {
  process.exitCode = await simulate(import.meta.filename);
  await vite.close();
}

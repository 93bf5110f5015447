import type * as run from "./simulate/run.ts";
import { openSource } from "./source.ts";

/*
 * npm run simulate -- [--tasks 20000000] [--mix name] [--seed n] [--from seed] [--length 1000] [--json file]
 * Runs simulated deployments, one process per core, all mixes in turn with ever new seeds, until so many tasks have
 * ended. Ends with 1 at the first promise that was broken. With --mix and --seed: that history alone, line by line.
 */

const source = await openSource();
const { serve, simulate } = (await source.ssrLoadModule("/scripts/simulate/run.ts")) as typeof run;
if (process.argv[2] === "worker") {
  serve();
} else {
  process.exitCode = await simulate(import.meta.filename);
  await source.close();
}

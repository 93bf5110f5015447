/**
 * `npm run referee -- --kills 500 --seed 1`: a server under load is killed (SIGKILL to all its processes) so often, at
 * any moment and right at those that hurt; what was killed for good is replayed; then everything outside of it is held
 * against what it says. Ends with 1 when a promise was broken. `--port 9228`.
 */
import { join } from "node:path";
import { ROOT } from "../../scripts/wrangler.ts";
import { findingsText, writeResults } from "./report.ts";
import { referee } from "./rounds.ts";
import { optionsOf } from "../../scripts/options.ts";

const { values: given } = optionsOf({
  options: {
    kills: { type: "string", default: "50" },
    seed: { type: "string", default: "1" },
    port: { type: "string", default: "9228" },
  },
});
const seed = Number(given.seed);
const results = await referee({
  ...{ kills: Number(given.kills), seed, port: Number(given.port) },
  folder: join(ROOT, ".wrangler/referee"),
  onRound: (round) => {
    if (round % 10 === 0) console.log(`${round} kills`);
  },
});
const { findings, ...counts } = results;
writeResults("referee", {
  date: new Date().toISOString(),
  node: process.version,
  seed,
  ...results,
});
console.log(JSON.stringify(counts));
console.log(findingsText(findings));
process.exit(findings.every(({ broken }) => broken === 0) ? 0 : 1);

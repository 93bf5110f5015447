/**
 * `npm run fuzz -- --requests 200000 [--seed 7]`: made-up requests to every route, inside Cloudflare's runtime. What
 * fails is printed as the smallest request that does, with its seed.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "./wrangler.ts";
import { optionsOf } from "./options.ts";

const WHOLE = /^\d{1,9}$/;
const DAY_SECONDS = "86400";

const { values } = optionsOf({
  options: {
    requests: { type: "string", default: "200000" },
    seed: { type: "string", default: "20261121" },
  },
});
for (const [name, value] of Object.entries(values)) {
  if (WHOLE.test(value)) continue;
  console.error(`--${name} takes a whole number.`);
  process.exit(2);
}
const { status } = spawnSync(
  process.execPath,
  [
    join(ROOT, "node_modules/vitest/vitest.mjs"),
    ...["run", "--project", "workerd", "test/workerd/fuzz.test.ts"],
  ],
  {
    cwd: ROOT,
    stdio: "inherit",
    env: {
      ...process.env,
      FUZZ_REQUESTS: values.requests,
      FUZZ_SEED: values.seed,
      FUZZ_SECONDS: DAY_SECONDS,
    },
  },
);
process.exit(status ?? 1);

import { availableParallelism } from "node:os";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { defineConfig, type Plugin } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { NO_PROVIDERS } from "./scripts/no-providers.ts";

/** Files at once: most wait a third of their time, for their runtime or for time to pass. */
const maxWorkers = availableParallelism() + 1;

/** Far more than anything takes: that a machine is busy is no reason to fail. */
const PATIENT = { expect: { poll: { timeout: 20_000 } } };

/** What takes longest, longest first. */
const LONG = [
  "e2e/referee",
  "workerd/domain/stripe-payments",
  "workerd/domain/refunds",
  "browser/operations",
  "browser/tasks",
  "browser/access",
  "workerd/domain/backup",
  "workerd/fuzz",
  "e2e/callbacks",
  "simulation/whole/mixes",
  "simulation/single-fault",
  "simulation/shop/shop",
];

/** Begins with what takes longest, so that none of it runs alone at the end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const place = LONG.findIndex((name) => moduleId.includes(`/test/${name}`));
      return place < 0 ? LONG.length : place;
    };
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}

/**
 * Every file's runtime is sent all modules anew, as text: those of packages go without their source maps.
 */
const WITHOUT_MAPS: Plugin = {
  name: "without-maps",
  transform: {
    order: "post",
    filter: { id: /\/node_modules\// },
    handler: (code) => ({ code, map: { mappings: "" } }),
  },
};

const ID_SECRET = "for tests only: 0123456789abcdef0123456789abcdef";

/** Cloudflare's runtime with this Worker in it. */
const runtime = async () =>
  cloudflareTest({
    wrangler: { configPath: "./wrangler.toml" },
    miniflare: {
      bindings: {
        OPEN_ACCESS: "true",
        ID_SECRET,
        // Tests that wait for what runs on after an answer would wait for company in the log.
        LOG_WAIT_MS: "0",
        FUZZ_REQUESTS: process.env["FUZZ_REQUESTS"] ?? "20000",
        FUZZ_SECONDS: process.env["FUZZ_SECONDS"] ?? "75",
        FUZZ_SEED: process.env["FUZZ_SEED"] ?? "20261121",
        ...NO_PROVIDERS,
        TEST_MIGRATIONS: await readD1Migrations("migrations"),
      },
    },
  });

const SETUP = "test/workerd/setup.ts";
const IN_RUNTIME = {
  globalSetup: ["test/stripe/global-setup.ts"],
  testTimeout: 300_000,
  maxWorkers,
};

/**
 * Six kinds of test, one project each:
 * - `unit`: pure code under Node.
 * - `simulation`: the platform's logic under Node, on simulated ports (storage is node:sqlite).
 * - `domain`: the shop's rules in Cloudflare's runtime, on D1 and R2 alone: no Worker is asked, so nothing runs on.
 * - `workerd`: the Worker in Cloudflare's runtime, with its Durable Objects, queues and database. Each file has
 *   a runtime of its own. Of both: storage belongs to the file, not to the test.
 * - `e2e`: the built Worker from outside, over HTTP. Each file has a server, ports and data of its own.
 * - `browser`: the dashboard in Debian's Chromium; skipped where there is none. As e2e.
 */
export default defineConfig(async () => ({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...PATIENT,
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          testTimeout: 60_000,
          // Nothing in these files outlives its test: a process for each of them is half of their time.
          isolate: false,
          maxWorkers,
        },
      },
      {
        test: {
          ...PATIENT,
          name: "simulation",
          include: ["test/simulation/**/*.test.ts"],
          testTimeout: 300_000,
          maxWorkers,
        },
      },
      {
        plugins: [WITHOUT_MAPS, await runtime()],
        test: {
          ...PATIENT,
          ...IN_RUNTIME,
          name: "domain",
          setupFiles: [SETUP, "test/workerd/domain/setup.ts"],
          include: ["test/workerd/domain/**/*.test.ts"],
          // Nothing in these files outlives its test, and each begins with empty storage: a runtime for each of them,
          // with all modules loaded anew, is half of their time.
          isolate: false,
        },
      },
      {
        plugins: [WITHOUT_MAPS, await runtime()],
        test: {
          ...PATIENT,
          ...IN_RUNTIME,
          name: "workerd",
          setupFiles: [SETUP],
          include: ["test/workerd/*.test.ts"],
        },
      },
      {
        test: {
          ...PATIENT,
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers,
        },
      },
      {
        test: {
          ...PATIENT,
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers,
        },
      },
    ],
  },
}));

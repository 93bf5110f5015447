import { availableParallelism } from "node:os";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";
import { NO_PROVIDERS } from "./scripts/no-providers.ts";

/** Vitest runs a group of one worker after all others, so the projects before e2e need at least two. */
const maxWorkers = Math.max(2, availableParallelism());

const ID_SECRET = "for tests only: 0123456789abcdef0123456789abcdef";

/**
 * Five kinds of test, one project each:
 * - `unit`: pure code under Node.
 * - `simulation`: the platform's logic under Node, on simulated ports (storage is node:sqlite).
 * - `workerd`: the Worker in Cloudflare's runtime, with its Durable Objects, queues and database. Storage
 *   belongs to the file, not to the test: `reset()` between tests where they would meet.
 * - `e2e`: the built Worker from outside, over HTTP. One file at a time, after the others.
 * - `browser`: the dashboard in Debian's Chromium; skipped where there is none. One file at a time, at the end.
 */
export default defineConfig(async () => ({
  test: {
    projects: [
      {
        test: { name: "unit", include: ["test/unit/**/*.test.ts"], maxWorkers },
      },
      {
        test: {
          name: "simulation",
          include: ["test/simulation/**/*.test.ts"],
          testTimeout: 60_000,
          maxWorkers,
        },
      },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              bindings: {
                OPEN_ACCESS: "true",
                ID_SECRET,
                // Tests that wait for what runs on after an answer would wait for company in the log.
                LOG_WAIT_MS: "0",
                ...NO_PROVIDERS,
                TEST_MIGRATIONS: await readD1Migrations("migrations"),
              },
            },
          }),
        ],
        test: {
          name: "workerd",
          include: ["test/workerd/**/*.test.ts"],
          setupFiles: ["test/workerd/setup.ts"],
          globalSetup: ["test/stripe/global-setup.ts"],
          testTimeout: 30_000,
          maxWorkers,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
}));

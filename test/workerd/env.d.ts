import type { D1Migration } from "cloudflare:test";
import type { Env as WorkerEnv } from "../../src/platform/env.ts";
import type * as worker from "../../src/worker.ts";

/** What `env` and `exports` of `cloudflare:workers` hold in tests. */
declare global {
  namespace Cloudflare {
    interface Env extends WorkerEnv {
      /** The statements of migrations/, for setup.ts. */
      readonly TEST_MIGRATIONS: D1Migration[];
      /** How many requests fuzz.test.ts sends, for how long at most, and what they are made from: whole numbers. */
      readonly FUZZ_REQUESTS: string;
      readonly FUZZ_SECONDS: string;
      readonly FUZZ_SEED: string;
    }
    interface GlobalProps {
      mainModule: typeof worker;
    }
  }
}

declare module "vitest" {
  interface ProvidedContext {
    /** Where the stand-in for Stripe's API is. */
    stripeUrl: string;
  }
}

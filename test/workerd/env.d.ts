import type { D1Migration } from "cloudflare:test";
import type { Env as WorkerEnv } from "../../src/platform/env.ts";
import type * as worker from "../../src/worker.ts";

/** What `env` and `exports` of `cloudflare:workers` hold in tests. */
declare global {
  namespace Cloudflare {
    interface Env extends WorkerEnv {
      /** The statements of migrations/, for setup.ts. */
      readonly TEST_MIGRATIONS: D1Migration[];
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

import type { Config } from "./config.ts";
import type { Rate, RateCounter } from "./delivery/api/index.ts";
import type { Env } from "./platform/env.ts";
import { log } from "./platform/log.ts";

/** Counts the API's requests with the platform's counters; where they are off, none. */
export function createRates(env: Env, { isRateLimited }: Config): RateCounter {
  if (!isRateLimited) return { admits: async () => true };
  const counters: Readonly<Record<Rate, RateLimit>> = {
    read: env.RATE_READ,
    submit: env.RATE_SUBMIT,
    control: env.RATE_CONTROL,
    auth: env.RATE_AUTH,
    upload: env.RATE_UPLOAD,
    webhook: env.RATE_WEBHOOK,
    public: env.RATE_PUBLIC,
  };
  return {
    admits: async (rate, key) => {
      try {
        return (await counters[rate].limit({ key })).success;
      } catch (error) {
        // Who can't be counted is not kept out.
        log("rate_limit_failed", { rate, error });
        return true;
      }
    },
  };
}

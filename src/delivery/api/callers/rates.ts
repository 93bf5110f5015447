import { ANONYMOUS, type Caller } from "./access.ts";
import { clientNetwork } from "./client-network.ts";
import { Problem } from "../http/problems.ts";

/**
 * How many requests of each kind one caller may make, in so many seconds (10 or 60: the platform counts nothing
 * else). Each is a binding in wrangler.toml, and a test holds both equal.
 *
 * - `read`: what looks, event streams and sockets included (their opening is what counts).
 * - `submit`: what makes or changes tasks, orders and what belongs to them; up to 1,000 tasks each.
 * - `control`: what steers the deployment.
 * - `auth`: accounts, their sessions and passwords.
 * - `upload`: files.
 * - `webhook`: what others' servers send, from few addresses for all of their customers.
 * - `public`: what everybody may read.
 */
export const RATES = {
  read: { requests: 2_000, seconds: 10 },
  submit: { requests: 2_000, seconds: 10 },
  control: { requests: 200, seconds: 10 },
  auth: { requests: 60, seconds: 60 },
  upload: { requests: 60, seconds: 60 },
  webhook: { requests: 2_000, seconds: 10 },
  public: { requests: 500, seconds: 10 },
} as const satisfies Readonly<Record<string, { requests: number; seconds: 10 | 60 }>>;

export type Rate = keyof typeof RATES;

/** Counts requests. Each location of the platform counts for itself, roughly: nobody waits for another's count. */
export interface RateCounter {
  /** Counts one more; false: it is one too many. */
  admits(rate: Rate, key: string): Promise<boolean>;
}

/**
 * Counts a request against whoever makes it: the owner of the key or the account, so that a second key is no
 * second allowance; the network where nobody is known. Writes nothing.
 * @throws Problem 429 `too_many_requests`
 */
export async function countRequest(
  counter: RateCounter,
  rate: Rate,
  { owner }: Pick<Caller, "owner">,
  request: Request,
): Promise<void> {
  const isKnown = owner !== "" && owner !== ANONYMOUS.owner;
  const key = isKnown ? `owner ${owner}` : `network ${clientNetwork(request)}`;
  if (await counter.admits(rate, key)) return;
  const { requests, seconds } = RATES[rate];
  throw new Problem(429, "too_many_requests", "Too many requests; try again in a moment.", {
    headers: {
      "Retry-After": String(seconds),
      RateLimit: `"${rate}";r=0;t=${seconds}`,
      "RateLimit-Policy": `"${rate}";q=${requests};w=${seconds}`,
    },
  });
}

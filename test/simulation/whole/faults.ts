import { NO_FAULTS, type Faults } from "../faults.ts";
import type { LimiterFaults } from "../limiters.ts";

/** What goes wrong in a whole deployment: probabilities per occasion. */
export interface WholeFaults extends Faults, LimiterFaults {
  /** A consumer dies right after an effect of a handler, before anybody knows of it. */
  readonly diesAfterEffect: number;
  /** Beat's object dies before it records what it submitted. */
  readonly beatDies: number;
  /** A cron trigger comes as ten, and one of them a minute late. */
  readonly cronDoubled: number;
  /** Beat's clock is off by up to ten minutes, or stands still for one. */
  readonly beatClock: number;
  /** What some tasks depend on is down for half a minute. */
  readonly outage: number;
  /** What some tasks depend on refuses: they try again. */
  readonly refuses: number;
  /** One tenant calls for hundreds of tasks at once. */
  readonly noisy: number;
  /** A new version is deployed in the middle: one kind of task is gone, others have a parameter more. */
  readonly deployed: number;
  /** A ledger's clock goes on by an hour, 25 hours or 400 days. */
  readonly clockLeaps: number;
  /** All consumers of a shard are stopped one by one, and come back in another order. */
  readonly swizzled: number;
}

export const NO_WHOLE_FAULTS: WholeFaults = {
  ...NO_FAULTS,
  ...{ messageLost: 0, messageLate: 0, limiterDies: 0, diesAfterEffect: 0 },
  ...{ beatDies: 0, cronDoubled: 0, beatClock: 0, outage: 0, swizzled: 0 },
  ...{ refuses: 0, noisy: 0 },
  ...{ deployed: 0, clockLeaps: 0 },
};

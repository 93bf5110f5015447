import { readFileSync } from "node:fs";
import type { ServiceTimes } from "./model.ts";

const MEASURED = "bench/results/service-times.json";

/**
 * On the platform, by its documentation: 200 to 500 requests with writes a second and object, a few hundred writes a
 * second in D1, about 60 ms for a message. None of it was measured on a live account.
 */
export const DOCUMENTED: ServiceTimes = {
  wayMs: [],
  frontMs: 5,
  submitMs: 2,
  submitTaskMs: 0.02,
  exchangeMs: 2,
  exchangeTaskMs: 0.02,
  runMs: 0.05,
  bellMs: 80,
  flushMs: 4,
  flushTaskMs: 0.02,
  stallEveryMs: Infinity,
  stallMs: [],
};

/** Those that `npm run bench -- capacity` wrote last. @throws when it never ran here */
export function measuredTimes(): ServiceTimes {
  return JSON.parse(readFileSync(MEASURED, "utf8")) as ServiceTimes;
}

import type { Mix } from "../mix.ts";
import { Violation } from "../violation.ts";
import type { FaultRates } from "./chaos.ts";
import { ShopHistory } from "./shop-history.ts";

const CRASHES: FaultRates = { "consumer dies": 0.002, "request dies": 0.002, "duty dies": 0.02 };

/** What crashes and a database that is away leave half done. */
const HALF_DONE: FaultRates = { "ledger busy": 0.03, "gateway captures by itself": 1 };

const D1_FLAKY: FaultRates = {
  "d1 lost before commit": 0.02,
  "d1 lost after commit": 0.02,
  "d1 overloaded": 0.01,
  "d1 slow": 0.01,
  "d1 timeout": 0.003,
};

const SMTP: FaultRates = {
  "smtp refused": 0.05,
  "smtp banner hangs": 0.03,
  "smtp tls fails": 0.03,
  "smtp 421": 0.05,
  "smtp 535": 0.02,
  "smtp 450": 0.06,
  "smtp 452": 0.04,
  "smtp 550": 1,
  "smtp 554 after data": 0.02,
  "smtp cut after final dot": 0.04,
  "smtp cut before it was taken": 0.03,
  "smtp drips": 0.05,
  "smtp 250 twice": 0.05,
  "mail 429": 0.05,
  "mail 409": 0.06,
  "mail 422 of a batch": 1,
  "mail 500": 0.05,
  "mail lost before": 0.05,
  "mail timeout after": 0.06,
  "mail answer garbled": 0.05,
  "mail down": 1,
};

const GATEWAY: FaultRates = {
  "gateway lost before": 0.05,
  "gateway timeout after": 0.05,
  "gateway 500 stored": 0.05,
  "gateway 409": 0.08,
  "gateway answer garbled": 0.05,
  "gateway refuses refund": 0.25,
  "gateway search lags": 0.3,
  "card declined": 1,
  "card asks for holder": 1,
  "gateway refunds by itself": 0.06,
  "gateway down": 1,
};

const WEBHOOKS: FaultRates = {
  "webhook duplicate": 0.15,
  "webhook late": 0.15,
  "webhook days late": 0.05,
  "webhook before answer": 0.1,
  "webhook forged": 0.1,
  "webhook stale": 0.1,
  "webhook of another amount": 0.06,
  "webhook disputed": 0.1,
};

/** The same troubles, so seldom that they meet in many ways. */
function seldom(rates: FaultRates, share: number): FaultRates {
  const entries = Object.entries(rates).map(([name, rate]) => [
    name,
    rate >= 1 ? rate : rate * share,
  ]);
  return Object.fromEntries(entries) as FaultRates;
}

const RATES: Readonly<Record<string, FaultRates>> = {
  "d1-flaky": { ...CRASHES, ...D1_FLAKY, ...HALF_DONE },
  "d1-down": { ...CRASHES, "d1 down": 1, "d1 slow": 0.01, ...HALF_DONE },
  "smtp-chaos": { ...CRASHES, ...SMTP },
  "gateway-chaos": { ...CRASHES, ...GATEWAY, ...HALF_DONE },
  "webhook-chaos": {
    ...CRASHES,
    ...WEBHOOKS,
    ...HALF_DONE,
    "gateway refunds by itself": 0.1,
    "d1 overloaded": 0.01,
  },
  "shop-everything": {
    ...CRASHES,
    ...seldom({ ...D1_FLAKY, ...SMTP, ...GATEWAY, ...WEBHOOKS, ...HALF_DONE }, 0.5),
    "ledger dies": 0.003,
    "call lost": 0.005,
    "answer lost": 0.005,
    "bell lost": 0.1,
    "bell doubled": 0.1,
    "store put fails": 0.2,
    "store put lost after": 0.2,
    "store get fails": 0.2,
  },
};

/** Lines of what happened that a failure shows. */
const TAIL = 25;

/** The shop's kinds of trouble. */
export const SHOP_MIXES: readonly Mix[] = Object.entries(RATES).map(([name, rates]) => ({
  name,
  run: async (seed, tasks, note) => {
    const tail: string[] = [];
    try {
      return await ShopHistory.run(seed, tasks, rates, (line) => {
        note?.(line);
        if (tail.push(line) > TAIL) tail.shift();
      });
    } catch (error) {
      const what = `${name}, seed ${seed}, ${tasks} tasks: ${String(error)}\n${tail.join("\n")}`;
      throw new Violation(`mix ${what}`, { cause: error });
    }
  },
}));

import { expect, it } from "vitest";
import { exchange } from "#platform/consumer/exchange.ts";
import type { LedgerDoor } from "#platform/consumer/door.ts";
import type { ExchangeAnswer } from "#platform/ledger/protocol.ts";
import { World } from "../../../src/testing/world.ts";

/** When a consumer sets out again that is told to be back in so long, by a call that takes so long. */
async function againInMs(told: number | null, tookMs: number): Promise<number | null> {
  const world = new World(1);
  const nothing = { tasks: [], token: 0, isSolo: false, leaseMs: 30_000, stale: 0 };
  const call = async (): Promise<ExchangeAnswer> => {
    await world.sleep(tookMs);
    return { ...nothing, againInMs: told };
  };
  const ledger = { exchange: call } as unknown as LedgerDoor;
  const request = { queue: "default", settlements: [], claim: 1, isIdle: true, bells: 0 };
  const answer = exchange({ ledger, clock: world, timers: world, log: () => undefined }, request);
  await world.run(world.now() + tookMs);
  return (await answer).againInMs;
}

it("who is far from the ledger sets out earlier than it is told, to be there in time", async () => {
  expect(await againInMs(100, 50)).toBe(60);
  expect(await againInMs(20, 50)).toBe(0);
});

it("who is near sets out when it is told, and who is not told, not at all", async () => {
  expect(await againInMs(100, 10)).toBe(100);
  expect(await againInMs(null, 50)).toBeNull();
});

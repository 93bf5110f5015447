import * as z from "zod";
import { Registry } from "#engine";
import { defineShopTask, shopTasks, type ShopServices } from "../../../src/domain/index.ts";
import type { ShopProcess } from "./shop-process.ts";

/** What may run alone only: the processes that run it, and the most there ever were at once. */
export const seen = { running: new Set<ShopProcess>(), most: 0 };

export function forgetSeen(): void {
  seen.running.clear();
  seen.most = 0;
}

const retried = { autoretryFor: [Error], defaultRetryDelaySeconds: 1, maxRetries: 5 } as const;

/** Adds its letter to the word before it. */
export const letter = defineShopTask({
  name: "sim_letter",
  params: z.object({ word: z.string(), letter: z.string() }),
  ...retried,
  handler: ({ word, letter: own }) => word + own,
});

export const join = defineShopTask({
  name: "sim_join",
  params: z.object({ words: z.array(z.string()) }),
  ...retried,
  handler: ({ words }) => words.join(""),
});

/** Reserves, waits for the word that it was paid, and sends. */
export const order = defineShopTask({
  name: "sim_order",
  params: z.object({}),
  ...retried,
  handler: async (_params, ctx) => {
    const reserved = await ctx.step("reserve", () => "reserved");
    const paid = await ctx.waitForEvent("paid", { timeoutSeconds: 3_600 });
    const sent = await ctx.step("send", () => "sent");
    return [reserved, paid, sent];
  },
});

/** One at a time in the whole deployment. */
export const alone = defineShopTask({
  name: "sim_alone",
  params: z.object({ n: z.number() }),
  ...retried,
  concurrency: 1,
  handler: async ({ n }, { services: { db, clock } }) => {
    // Here the clock is the process itself, and the dead run nothing.
    const process = clock as ShopProcess;
    seen.running.add(process);
    seen.most = Math.max(seen.most, [...seen.running].filter(({ isDead }) => !isDead).length);
    try {
      await db.run("SELECT 1");
      return n;
    } finally {
      seen.running.delete(process);
    }
  },
});

export const slot = defineShopTask({
  name: "sim_slot",
  params: z.object({}),
  ...retried,
  handler: (_params, ctx) => ctx.slot?.toISOString() ?? null,
});

export const scenarioRegistry = new Registry<ShopServices>([
  ...shopTasks,
  ...[letter, join, order, alone, slot],
]);

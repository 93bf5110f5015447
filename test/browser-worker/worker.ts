import { WorkerEntrypoint } from "cloudflare:workers";
import * as z from "zod";
import { defineShopTask, shopTasks } from "../../src/domain/index.ts";
import type { Env } from "../../src/platform/env.ts";
import { LedgerObject } from "../../src/platform/ledger/ledger-object.ts";
import { createWorker, declaredKeys, declaredLimits, wire } from "../../src/wiring.ts";

export { Beat, Limiter, Watchdog } from "../../src/worker.ts";

/*
 * The deployment that the tests in a browser look at: the shop's, with tasks that do what is to be seen.
 */

/** Says how far it is, twice a second. */
const walk = defineShopTask({
  name: "walk",
  params: z.object({ steps: z.number() }),
  handler: async ({ steps }, ctx) => {
    for (let current = 1; current <= steps; current += 1) {
      ctx.progress({ current, total: steps, place: `step ${current}` });
      ctx.log(`reached ${current}`, { current });
      await scheduler.wait(500);
      ctx.signal.throwIfAborted();
    }
    return { walked: steps };
  },
});

/** Goes on when it is told to. */
const listen = defineShopTask({
  name: "listen",
  params: z.object({}),
  handler: async (_params, ctx) => {
    await ctx.step("prepare", () => "ready");
    return ctx.waitForEvent("word", { timeoutSeconds: 3_600 });
  },
});

/** Fails until it has been tried often enough. */
const stumble = defineShopTask({
  name: "stumble",
  params: z.object({ times: z.number() }),
  handler: ({ times }, ctx) => {
    ctx.log(`try ${ctx.retries + 1}`);
    if (ctx.retries < times) ctx.retry({ countdown: 1, cause: new Error("<b>stumbled</b>") });
    return "up";
  },
});

const tasks = [...shopTasks, walk, listen, stumble];
const limits = declaredLimits(tasks);
const keyOf = declaredKeys(tasks);

export class Ledger extends LedgerObject {
  protected override limitsOf(name: string) {
    return limits.get(name) ?? null;
  }

  protected override keyOf(name: string, kwargs: string): string | null {
    return keyOf(this.env, name, kwargs);
  }
}

export class Consumer extends WorkerEntrypoint<Env> {
  drain(shard: number, queue: string): Promise<number> {
    return wire(this.env, tasks).drain(shard, queue, 0);
  }
}

export default createWorker(tasks);

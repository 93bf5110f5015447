import { WorkerEntrypoint } from "cloudflare:workers";
import * as z from "zod";
import { readConfig } from "../../src/config.ts";
import { defineShopTask, shopSchedules, shopTasks } from "../../src/domain/index.ts";
import { BeatObject } from "../../src/platform/beat/beat-object.ts";
import type { Env } from "../../src/platform/env.ts";
import { LedgerObject } from "../../src/platform/ledger/ledger-object.ts";
import { createWorker, declaredKeys, declaredLimits, wire } from "../../src/wiring.ts";

export { Limiter, Watchdog } from "../../src/worker.ts";

/*
 * The deployment that the referee watches: the shop's, with tasks that leave traces outside. Every call has a
 * `ref` of the client's own, by which its record is found, whatever id it got.
 */

class ReceiverError extends Error {}

/** Tells the receiver outside of this process that the effect was made. */
async function tell(port: number, ref: string, signal: AbortSignal): Promise<void> {
  const address = `http://127.0.0.1:${port}/effects/${ref}`;
  const answer = await fetch(address, { method: "POST", signal });
  await answer.body?.cancel();
  if (!answer.ok) throw new ReceiverError(`The receiver answered ${answer.status}.`);
}

const ref = z.string();
const port = z.number();
const RETRIED = { autoretryFor: [Error], defaultRetryDelaySeconds: 1, maxRetries: 20 };

const work = defineShopTask({
  name: "referee_work",
  params: z.object({ ref, ms: z.number() }),
  handler: async ({ ref: name, ms }) => {
    if (ms > 0) await scheduler.wait(ms);
    return name;
  },
});

const retried = defineShopTask({
  name: "referee_retried",
  params: z.object({ ref, times: z.number() }),
  handler: ({ ref: name, times }, ctx) =>
    ctx.retries < times ? ctx.retry({ countdown: 0.5, cause: new Error("Not yet.") }) : name,
});

/** Runs out of attempts. */
const exhausted = defineShopTask({
  name: "referee_exhausted",
  params: z.object({ ref }),
  maxRetries: 1,
  handler: (_params, ctx) => ctx.retry({ countdown: 0.2, cause: new Error("As asked for.") }),
});

const effect = defineShopTask({
  name: "referee_effect",
  params: z.object({ ref, port }),
  ...RETRIED,
  handler: ({ ref: name, port: to }, ctx) => tell(to, name, ctx.signal),
});

const limited = defineShopTask({
  name: "referee_limited",
  params: z.object({ ref, ms: z.number() }),
  concurrency: 8,
  handler: async ({ ref: name, ms }) => {
    await scheduler.wait(ms);
    return name;
  },
});

const paced = defineShopTask({
  name: "referee_paced",
  params: z.object({ ref }),
  rateLimit: "50/s",
  handler: ({ ref: name }) => name,
});

/** A step, a sleep and an effect. */
const durable = defineShopTask({
  name: "referee_durable",
  params: z.object({ ref, port }),
  ...RETRIED,
  handler: async ({ ref: name, port: to }, ctx) => {
    const first = await ctx.step("first", () => `${name}, first`);
    await ctx.sleep(1);
    await ctx.once("effect", ({ signal }) => tell(to, name, signal));
    return first;
  },
});

/** A link of a chain. */
const link = defineShopTask({
  name: "referee_link",
  params: z.object({ ref, count: z.number() }),
  handler: ({ count }) => count + 1,
});

/** A chord's body. */
const body = defineShopTask({
  name: "referee_body",
  params: z.object({ ref, list: z.array(z.unknown()) }),
  handler: ({ list }) => list.length,
});

/** What schedules call. */
const tick = defineShopTask({
  name: "referee_tick",
  params: z.object({}),
  handler: (_params, { slot }) => slot?.getTime() ?? null,
});

const tasks = [
  ...shopTasks,
  ...[work, retried, exhausted, effect, limited, paced, durable, link, body, tick],
];
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

/** It has to know what the referee's schedules call. */
export class Beat extends BeatObject {
  protected override declared() {
    return shopSchedules(readConfig(this.env).timezone);
  }

  protected override runsAndTasks() {
    return wire(this.env, tasks).beat;
  }
}

export class Consumer extends WorkerEntrypoint<Env> {
  drain(shard: number, queue: string): Promise<number> {
    return wire(this.env, tasks).drain(shard, queue, 0);
  }
}

export default createWorker(tasks);

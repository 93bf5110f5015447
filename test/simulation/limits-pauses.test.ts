import { expect, it } from "vitest";
import * as z from "zod";
import { createTaskDefiner } from "#engine";
import { Deployment, mostInWindow, NO_DEPLOYMENT_FAULTS, running } from "./deployment.ts";
import type { World } from "../../src/testing/world.ts";

/*
 * Tasks of a limited name wait in two queues, and queues are paused and resumed: what a paused queue can't use is
 * the other's.
 */

const SEEDS = Number(process.env["SIM_SEEDS"] ?? 20);
const SHARDS = 3;
const QUEUES = ["default", "emails"] as const;
/** Starts in a second, which are as many where places alone bound them. */
const STARTS = 20;
const PLACES = 2;
/** With what it takes to hand a place on, two make twenty starts in a second. */
const WORK_MS = 90;

interface Services {
  readonly world: World;
}

const defineTask = createTaskDefiner<Services>();
const services = (world: World): Services => ({ world });
const of = () => null;
const rateLimit = `${STARTS}/s`;
const concurrency = PLACES;
const base = {
  params: z.object({}),
  handler: (_params: unknown, ctx: { services: Services }) => ctx.services.world.sleep(WORK_MS),
};
const tasks = [
  defineTask({ ...base, name: "rated", rateLimit }),
  defineTask({ ...base, name: "narrow", concurrency }),
  defineTask({ ...base, name: "strict", rateLimit, concurrency: 2 * PLACES }),
  defineTask({ ...base, name: "by_key", key: { of, rateLimit, concurrency: 2 * PLACES } }),
];
const NAMES = tasks.map(({ name }) => name);

class TwoQueues extends Deployment<Services> {
  submitted = 0;
  readonly #name: string;

  constructor(seed: number, name: string, faults = NO_DEPLOYMENT_FAULTS) {
    super(tasks, { seed, shards: SHARDS, services, faults });
    this.#name = name;
  }

  async put(shard: number, queue: string): Promise<void> {
    this.submitted += 1;
    const over = {
      queue,
      priority: this.world.between(0, 9),
      key: this.#name === "by_key" ? "k" : null,
    };
    await this.shards[shard]?.ledger.submit([this.spec(shard, this.#name, over)]);
  }

  /** Starts in a second, while shards that have little to do get a task of a queue now and then. */
  async startsIn(ms: number, queue: string): Promise<number> {
    const { world, starts } = this;
    const [begin, before] = [world.now(), starts.length];
    while (world.now() < begin + ms) {
      await this.put(world.between(1, SHARDS - 1), queue);
      await this.pass(world.between(100, 1_000));
    }
    return (1_000 * (starts.length - before)) / (world.now() - begin);
  }
}

/** Of what a rate allows, what is used at least; of places, which are handed on, less (`limits.test.ts`). */
const USED: Readonly<Record<string, number>> = { narrow: 0.8 };
const usedOf = (name: string) => (USED[name] ?? 0.94) * STARTS;

it.each(NAMES)(
  "while a queue is paused the other has all of the limit: %s (G18)",
  async (name) => {
    for (let seed = 0; seed < SEEDS; seed += 1) {
      const deployment = new TwoQueues(seed, name);
      const { world } = deployment;
      const [paused, other] = world.chance(0.5) ? QUEUES : QUEUES.toReversed();
      // Where much waits in the paused queue, little does in the other, but for one shard.
      for (let n = 0; n < 300; n += 1) await deployment.put(0, other);
      for (let n = 0; n < 200; n += 1) await deployment.put(n % SHARDS, paused);
      for (let pauses = 0; pauses < 2; pauses += 1) {
        await deployment.startsIn(world.between(500, 2_000), other);
        deployment.pause(paused);
        // What was granted before counts no more: a start or some are lost with every change.
        await deployment.startsIn(1_000, other);
        const starts = await deployment.startsIn(5_000, other);
        expect(starts, `seed ${seed}`).toBeGreaterThan(usedOf(name));
        deployment.pause();
      }
      const left = deployment.submitted - deployment.history.size;
      const tookMs = await deployment.untilEnded(deployment.submitted, 60_000);
      expect((1_000 * left) / (tookMs - 1_000), `seed ${seed}`).toBeGreaterThan(usedOf(name));
      expect(deployment.starts).toHaveLength(deployment.submitted);
      expect(deployment.startsInPause).toBe(0);
    }
  },
  120_000,
);

it.each(NAMES)(
  "nothing of a paused queue starts, whatever is lost or dies: %s (G18)",
  async (name) => {
    for (let seed = 0; seed < SEEDS; seed += 1) {
      const faults = { messageLost: 0.05, messageLate: 0.03, bellLost: 0.1, ledgerDies: 0.01 };
      const deployment = new TwoQueues(seed, name, {
        ...{ ...NO_DEPLOYMENT_FAULTS, ...faults, limiterDies: 0.03, consumerDies: 0.01 },
      });
      const { world } = deployment;
      let most = 0;
      deployment.afterCommand = () => {
        most = Math.max(most, running(deployment, name).length);
      };
      for (let n = 0; n < 100; n += 1) await deployment.put(n % SHARDS, world.pick(QUEUES));
      for (let pauses = 0; pauses < 8; pauses += 1) {
        deployment.pause(...QUEUES.filter(() => world.chance(0.5)));
        await deployment.startsIn(world.between(500, 3_000), world.pick(QUEUES));
      }
      deployment.faults = NO_DEPLOYMENT_FAULTS;
      deployment.pause();
      await deployment.untilEnded(deployment.submitted, 300_000);
      expect(deployment.startsInPause, `seed ${seed}`).toBe(0);
      if (name === "narrow") expect(most, `seed ${seed}`).toBeLessThanOrEqual(PLACES);
      else {
        const times = deployment.starts.map(({ at }) => at);
        expect(mostInWindow(times, 1_000), `seed ${seed}`).toBeLessThanOrEqual(STARTS);
      }
    }
  },
  120_000,
);

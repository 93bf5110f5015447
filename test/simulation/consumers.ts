import { drain, type DrainLimits } from "#platform/consumer/drain.ts";
import { registry, type SimServices } from "./behaviours.ts";
import type { Faults } from "./faults.ts";
import type { Network } from "./network.ts";
import type { Oracle } from "./oracle.ts";
import { Process } from "./process.ts";
import type { Tripwire } from "./tripwire.ts";
import { never, type World } from "../../src/testing/world.ts";
import { noInput, NO_LARGE_RESULTS } from "../no-large.ts";

export interface ConsumerParts {
  readonly world: World;
  readonly network: Network;
  readonly oracle: Oracle;
  readonly tripwire: Tripwire;
  readonly faults: () => Faults;
  readonly watched: <T>(look: () => T) => T;
  readonly limits: DrainLimits;
}

/**
 * A queue of doorbells and the consumers it starts, each a process of its own. A bell whose consumer
 * throws is delivered again, as the platform does it; one whose consumer dies, half of the time.
 */
export class Consumers {
  readonly #parts: ConsumerParts;
  bellsRung = 0;

  constructor(parts: ConsumerParts) {
    this.#parts = parts;
  }

  async ring(queue: string): Promise<void> {
    const { world } = this.#parts;
    const faults = this.#parts.faults();
    this.bellsRung += 1;
    await world.sleep(world.between(0, 5));
    const isThrown = world.chance(faults.ringThrows);
    if (isThrown && world.chance(0.5)) throw new Error("the queue did not take the bell");
    const copies = world.chance(faults.bellDoubled) ? world.between(2, 5) : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      if (world.chance(faults.bellLost)) continue;
      const late = world.chance(faults.bellLate) ? 120_000 : 20;
      world.after(world.between(1, late), () => void this.#answer(queue, 3));
    }
    if (isThrown) throw new Error("the queue took the bell and said it did not");
  }

  async runDirectly(queue: string): Promise<void> {
    const { world } = this.#parts;
    await world.sleep(world.between(0, 5));
    if (world.chance(this.#parts.faults().directFails)) throw new Error("out of reach");
    await this.#consume(new Process(world), queue, 0);
  }

  async #answer(queue: string, triesLeft: number): Promise<void> {
    const { world } = this.#parts;
    const process = new Process(world);
    const again = () => {
      if (triesLeft > 0) world.after(5_000, () => void this.#answer(queue, triesLeft - 1));
    };
    if (world.chance(0.5)) {
      world.after(60_000, () => {
        if (process.isDead) again();
      });
    }
    await this.#consume(process, queue, 1).catch(again);
  }

  /** From its first claim until the consumer is done or dies. */
  async #consume(process: Process, queue: string, bells: number): Promise<void> {
    const { world, network, watched, oracle, limits } = this.#parts;
    const services: SimServices = {
      process,
      between: (low, high) => world.between(low, high),
      started: (taskId, attempt) => {
        world.note(`${taskId.slice(-4)} runs, attempt ${attempt}`);
        watched(() => oracle.started(taskId, attempt));
      },
      effect: () => {
        this.#mayFail(process);
      },
      effects: {
        run: (effect) => watched(() => oracle.effects.run(effect)),
        got: (key, result) => {
          watched(() => oracle.effects.got(key, result));
        },
      },
    };
    const parts = {
      ledger: {
        exchange: (request: Parameters<Network["exchange"]>[0]) =>
          this.#call(process, () => network.exchange(request)),
        heartbeat: (...said: Parameters<Network["heartbeat"]>) =>
          this.#call(process, () => network.heartbeat(...said)),
        input: noInput,
        durable: (...asked: Parameters<Network["durable"]>) =>
          this.#call(process, () => network.durable(...asked)),
        recordSteps: (entries: Parameters<Network["recordSteps"]>[0]) =>
          this.#call(process, () => network.recordSteps(entries)),
        report: (reports: Parameters<Network["report"]>[0]) =>
          this.#call(process, () => network.report(reports)),
      },
      registry,
      supplies: {
        services,
        largeResults: NO_LARGE_RESULTS,
        lovageFor: () => {
          throw new Error("These tasks call no others.");
        },
      },
      clock: process,
      random: world,
      timers: process,
      log: (event: string) => {
        world.note(event);
      },
    };
    await drain(parts, queue, bells, limits);
  }

  /** A call to the ledger. What the consumer sent goes on without it. */
  async #call<T>(process: Process, call: () => Promise<T>): Promise<T> {
    this.#mayFail(process);
    if (process.isDead) return never();
    const crash = () => {
      process.die();
    };
    const answer = await process.wait(this.#parts.tripwire.async(call, crash));
    this.#mayFail(process);
    return process.isDead ? never() : answer;
  }

  #mayFail(process: Process): void {
    const { world } = this.#parts;
    const faults = this.#parts.faults();
    if (world.chance(faults.consumerDies)) process.die();
    if (world.chance(faults.consumerFreezes)) process.freeze(world.between(20_000, 90_000));
  }
}

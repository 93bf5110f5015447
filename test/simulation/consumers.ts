import type { Registry, SubmitAnswer, TaskSpec } from "#engine";
import type { LedgerDoor } from "#platform/consumer/door.ts";
import { drain, type DrainLimits, type DrainParts } from "#platform/consumer/drain.ts";
import { ExpressSubmitter } from "#platform/consumer/express-submitter.ts";
import { runClaim } from "#platform/consumer/run-claim.ts";
import { Widths } from "#platform/consumer/widths.ts";
import type { AttemptSupplies } from "#platform/consumer/running.ts";
import type { Chaos } from "./chaos.ts";
import type { Faults } from "./faults.ts";
import type { Network } from "./network.ts";
import { Process } from "./process.ts";
import type { Tripwire } from "./tripwire.ts";
import { never, type World } from "../../src/testing/world.ts";

/** An invocation may go on for so long after its answer. */
const INVOCATION_MS = 30_000;

type ConsumerFaults = Pick<
  Faults,
  | "bellLost"
  | "bellDoubled"
  | "bellLate"
  | "ringThrows"
  | "directFails"
  | "consumerDies"
  | "consumerFreezes"
>;

export interface ConsumerParts<Services> {
  readonly world: World;
  readonly chaos: Chaos<ConsumerFaults>;
  /** The way to the ledger whose bells they answer. */
  readonly ledger: LedgerDoor;
  readonly tripwire: Tripwire;
  readonly registry: Registry<Services>;
  /** What the attempts of one process find. */
  readonly suppliesOf: (process: Process) => AttemptSupplies<Services>;
  readonly limits: DrainLimits;
  /** A bell that nobody could answer is put aside. */
  readonly bellDied: (queue: string) => void;
}

/** Tries of a bell whose consumer throws or dies, after the first. */
const MORE_TRIES = 3;

/**
 * A queue of doorbells and the consumers it starts, each a process of its own. A bell whose consumer
 * throws is delivered again, as the platform does it; one whose consumer dies, half of the time.
 */
export class Consumers<Services> {
  readonly #parts: ConsumerParts<Services>;
  /** Those that have not come to their end. */
  readonly #processes = new Set<Process>();
  readonly #widths = new Widths();
  #isStopped = false;
  bellsRung = 0;

  constructor(parts: ConsumerParts<Services>) {
    this.#parts = parts;
  }

  /** All consumers die, and none comes until they are started again: bells are tried again later. */
  stop(): void {
    this.#isStopped = true;
    for (const process of this.#processes) process.die();
    this.#processes.clear();
  }

  start(): void {
    this.#isStopped = false;
  }

  async ring(queue: string): Promise<void> {
    const { world, chaos } = this.#parts;
    this.bellsRung += 1;
    await world.sleep(world.between(0, 5));
    const isThrown = chaos.strikes("ringThrows");
    if (isThrown && world.chance(0.5)) throw new Error("the queue did not take the bell");
    const copies = chaos.strikes("bellDoubled") ? world.between(2, 5) : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      if (chaos.strikes("bellLost")) continue;
      const late = chaos.strikes("bellLate") ? 120_000 : 20;
      world.after(world.between(1, late), () => void this.#answer(queue, MORE_TRIES));
    }
    if (isThrown) throw new Error("the queue took the bell and said it did not");
  }

  async runDirectly(queue: string): Promise<void> {
    const { world, chaos } = this.#parts;
    await world.sleep(world.between(0, 5));
    if (chaos.strikes("directFails")) throw new Error("out of reach");
    await this.#consume(new Process(world), queue, 0);
  }

  async #answer(queue: string, triesLeft: number): Promise<void> {
    const { world, bellDied } = this.#parts;
    const process = new Process(world);
    const again = () => {
      if (triesLeft > 0) world.after(5_000, () => void this.#answer(queue, triesLeft - 1));
      else bellDied(queue);
    };
    if (world.chance(0.5)) {
      world.after(60_000, () => {
        if (process.isDead) again();
      });
    }
    await this.#consume(process, queue, 1).catch(again);
  }

  /**
   * Submits from an invocation that can run the task itself. It may die as a consumer may, and the platform ends it
   * half a minute after its answer.
   */
  async submitToRun(
    spec: TaskSpec,
    network: Pick<Network, "submit" | "submitToRun" | "withdraw">,
  ): Promise<SubmitAnswer[]> {
    const { world, registry } = this.#parts;
    const process = new Process(world);
    const parts = this.#partsFor(process);
    const submitter = new ExpressSubmitter({
      ledgers: {
        submit: (specs) => this.#call(process, () => network.submit(specs)),
        submitToRun: (...given) => this.#call(process, () => network.submitToRun(...given)),
        withdraw: (...given) => this.#call(process, () => network.withdraw(...given)),
      },
      definitionOf: (name) => registry.find(name),
      run: ({ queue }, claim) => runClaim(parts, queue, claim),
      background: (work) => {
        work.catch(() => undefined);
        world.after(INVOCATION_MS, () => {
          process.die();
        });
      },
      random: world,
      timers: process,
    });
    return submitter.submit([spec]);
  }

  /** From its first claim until the consumer is done or dies. */
  async #consume(process: Process, queue: string, bells: number): Promise<void> {
    if (this.#isStopped) throw new Error("no consumer is there");
    this.#processes.add(process);
    try {
      await drain(this.#partsFor(process), queue, bells, this.#parts.limits);
    } finally {
      this.#processes.delete(process);
    }
  }

  #partsFor(process: Process): DrainParts<Services> {
    const { world, ledger, registry, suppliesOf } = this.#parts;
    return {
      ledger: this.#doorOf(process, ledger),
      registry,
      supplies: suppliesOf(process),
      clock: process,
      random: world,
      timers: process,
      log: (event: string) => {
        world.note(event);
      },
      widths: this.#widths,
    };
  }

  /** What one process reaches of the ledger. */
  #doorOf(process: Process, ledger: LedgerDoor): LedgerDoor {
    return {
      exchange: (request) => this.#call(process, () => ledger.exchange(request)),
      heartbeat: (...said) => this.#call(process, () => ledger.heartbeat(...said)),
      input: (at) => this.#call(process, () => ledger.input(at)),
      durable: (...asked) => this.#call(process, () => ledger.durable(...asked)),
      recordSteps: (entries) => this.#call(process, () => ledger.recordSteps(entries)),
      report: (reports) => this.#call(process, () => ledger.report(reports)),
    };
  }

  /** A call to the ledger. What the consumer sent goes on without it. */
  async #call<T>(process: Process, call: () => Promise<T>): Promise<T> {
    this.mayFail(process);
    if (process.isDead) return never();
    const crash = () => {
      process.die();
    };
    const answer = await process.wait(this.#parts.tripwire.async(call, crash));
    this.mayFail(process);
    return process.isDead ? never() : answer;
  }

  /** A moment at which a consumer may die or stand still. */
  mayFail(process: Process): void {
    const { world, chaos } = this.#parts;
    if (chaos.strikes("consumerDies")) process.die();
    if (chaos.strikes("consumerFreezes")) process.freeze(world.between(20_000, 90_000));
  }
}

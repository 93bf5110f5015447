import {
  importIdSecret,
  isTerminal,
  Lovage,
  NO_CONTROLS,
  shardOf,
  type TaskSubmitter,
} from "#engine";
import { submitRuns } from "#platform/beat/submit-runs.ts";
import type { History } from "#platform/history/history.ts";
import { LedgerDirectory } from "#platform/ledger/directory.ts";
import type { LedgerObject } from "#platform/ledger/ledger-object.ts";
import { shardOfName } from "#platform/ledger/shard-name.ts";
import type { LimiterObject } from "#platform/limiter/limiter-object.ts";
import { testSettings } from "../../../src/testing/settings.ts";
import { World } from "../../../src/testing/world.ts";
import { NO_LARGE_RESULTS } from "../../no-large.ts";
import { Chaos } from "../chaos.ts";
import { EffectBook } from "../effect-book.ts";
import { SimHistory } from "../history.ts";
import { Limiters } from "../limiters.ts";
import type { Process } from "../process.ts";
import { Tripwire } from "../tripwire.ts";
import { Violation } from "../violation.ts";
import { BeatHost } from "./beat-host.ts";
import { CallBook } from "./call-book.ts";
import { CalledOff } from "./called-off.ts";
import { NO_WHOLE_FAULTS, type WholeFaults } from "./faults.ts";
import { instantSecret } from "./instant-hmac.ts";
import { Places } from "./places.ts";
import { WholeShard } from "./shard.ts";
import { Records } from "./task-records.ts";
import { DependencyDown, newRegistry, registry, type WholeServices } from "./tasks.ts";
import { CALLS_MS, Workload, type Share } from "./workload.ts";

const SHARDS = 3;
/** Faults happen for this long. */
export const CHAOS_MS = 120_000;
const WATCHDOG_MS = 30_000;
const LEAPS_MS = [3_600_000, 25 * 3_600_000, 400 * 86_400_000] as const;
/** After the faults have stopped all has to end within this: twice a lease and the longest wait for a retry. */
const CALM_MS = 2 * (30_000 + 600_000);
/** By so much a task may be due later where clocks went back. */
const CLOCK_MS = 1_200_000;
const LOOK_MS = 2_000;
const COMPARE_MS = 30_000;
/** From one heartbeat to the answer to the next. */
const HEARTBEAT_MS = 10_100;

export interface WholeOptions {
  readonly faults: WholeFaults;
  readonly share: Share;
  /** Tasks that its clients call for, at least. */
  readonly tasks: number;
  /** When it begins, epoch ms; absent: when all simulations do. */
  readonly start?: number;
  /** Told what happens, line by line. */
  readonly note?: (line: string) => void;
}

/**
 * A deployment from one seed: the real ledgers, limiters, beat and consumers, the directory and clients before
 * them, D1 behind them, and faults all around. It ends when everything has ended, or with the first promise broken.
 */
export class Whole {
  readonly world: World;
  readonly chaos: Chaos<WholeFaults>;
  readonly records = new Records();
  readonly effects = new EffectBook();
  readonly book = new CallBook();
  readonly places = new Places(
    (name) => registry.find(name)?.limits ?? null,
    (...held) => this.limiters.placesOf(...held),
  );
  readonly options: WholeOptions;
  readonly shards: readonly WholeShard[];
  readonly calledOff: CalledOff;
  readonly workload: Workload;
  readonly history: SimHistory;
  readonly limiters: Limiters;
  readonly beat: BeatHost;
  readonly #directory: LedgerDirectory;
  readonly #submitter: TaskSubmitter;
  /** Of invocations that can run what they submit. */
  readonly #express: TaskSubmitter;
  readonly #runs = new Set<string>();
  #violation: Violation | null = null;
  #isDown = false;
  #registry = registry;

  constructor(seed: number, options: WholeOptions) {
    const world = new World(seed, options.start);
    this.options = options;
    this.world = world;
    world.tellTo(options.note ?? null);
    this.chaos = new Chaos(world, options.faults);
    this.calledOff = new CalledOff(world, isReachable(options.faults) ? HEARTBEAT_MS : Infinity);
    this.history = new SimHistory(
      world,
      this.chaos,
      (id, text) => {
        this.records.kept(id, text);
      },
      new Tripwire(),
      (look) => this.#watched(look),
    );
    this.limiters = new Limiters(world, this.chaos, (shard, name, nudge) => {
      void this.shards[shard]?.nudge(name, nudge);
    });
    this.shards = Array.from(
      { length: SHARDS },
      (_, shard) => new WholeShard(this.#partsOf(shard)),
    );
    this.#directory = this.#openDirectory();
    this.#submitter = this.book.through(this.#directory);
    this.#express = this.book.through({
      submit: async (specs) => {
        const [spec] = specs;
        const shard = this.shards[shardOf(spec?.id ?? "") ?? -1];
        if (spec === undefined || specs.length > 1 || shard === undefined) {
          throw new Error("An invocation submits one task here.");
        }
        return shard.consumers.submitToRun(spec, this.#directory);
      },
    });
    this.workload = new Workload({
      world,
      share: options.share,
      book: this.book,
      clients: [this.#lovageOf("ann"), this.#lovageOf("bob")],
      runners: [this.#lovageOf("ann", this.#express), this.#lovageOf("bob", this.#express)],
      directory: this.#directory,
      submitter: this.#express,
      calledOff: this.calledOff,
      watched: (look) => this.#watched(look),
    });
    this.beat = new BeatHost({
      world,
      chaos: this.chaos,
      until: world.now() + CHAOS_MS,
      runs: {
        submit: (runs) => submitRuns(runs, this.#lovageOf("system"), this.#submitter, world),
        isUnfinished: async (id) => {
          const task = await this.#directory.get(id);
          return task !== null && !isTerminal(task.state);
        },
      },
    });
  }

  get faults(): Readonly<Record<string, number>> {
    const ends = [...this.records.ends.values()];
    const poison = ends.filter(({ kwargs }) => kwargs.includes('"kind":"poison"')).length;
    const unknownTask = ends.filter(({ error }) => error?.exc_type === "UnknownTaskError").length;
    const staleSteps = this.shards.reduce((sum, { referee }) => sum + referee.staleSteps, 0);
    return {
      ...this.chaos.counts,
      ...(poison > 0 && { poison }),
      ...(unknownTask > 0 && { unknownTask }),
      ...(staleSteps > 0 && { staleSteps }),
    };
  }

  /** Runs the history until all is calm and everything has ended. */
  async run(): Promise<void> {
    const { world, options } = this;
    const start = world.now();
    this.workload.plan(options.tasks);
    this.#watchdog();
    this.#planDeaths();
    this.#planOutage();
    this.#planNoise();
    this.#planDeployment();
    this.#planLeaps();
    this.#planSwizzles();
    await this.#pass(CHAOS_MS);
    world.note("all is calm");
    this.chaos.faults = NO_WHOLE_FAULTS;
    const late = options.faults.clockJumps + options.faults.beatClock > 0 ? CLOCK_MS : 0;
    const end = start + CHAOS_MS + CALM_MS + late;
    while (world.now() < end && !this.#isDone()) await this.#pass(LOOK_MS);
    if (!this.#isDone()) throw new Violation(`not all has ended: ${this.#stuck()}`);
    // One more alarm, after which an idle ledger keeps nothing.
    for (const shard of this.shards) shard.network.tick().catch(() => undefined);
    this.limiters.takeBack(SHARDS);
    await this.#pass(2 * WATCHDOG_MS);
  }

  close(): void {
    for (const shard of this.shards) shard.close();
    this.limiters.close();
    this.beat.close();
  }

  async #pass(ms: number): Promise<void> {
    const { world } = this;
    const until = world.now() + ms;
    while (await world.step(until)) {
      if (this.#violation !== null) throw this.#violation;
    }
  }

  #isDone(): boolean {
    return (
      this.records.unkept === 0 &&
      this.beat.isIdle &&
      this.shards.every(({ referee, isFlushed }) => referee.liveIds.length === 0 && isFlushed)
    );
  }

  #stuck(): string {
    for (const { referee } of this.shards) {
      const [id] = referee.liveIds;
      if (id !== undefined) return referee.describe(id);
    }
    return `${this.records.unkept} are not in D1, beat is ${this.beat.isIdle ? "" : "not "}idle`;
  }

  #partsOf(shard: number) {
    return {
      ...{ shard, world: this.world, chaos: this.chaos, history: this.history },
      registry: () => this.#registry,
      ...{ records: this.records, places: this.places, effects: this.effects },
      limits: this.limiters,
      suppliesOf: (process: Process, effect: () => void) => ({
        services: this.#servicesOf(process, effect),
        largeResults: NO_LARGE_RESULTS,
        lovageFor: (owner: string) => this.#lovageOf(owner),
      }),
      watched: <T>(look: () => T) => this.#watched(look),
      fail: (what: string) => {
        this.#violation ??= new Violation(what);
      },
    };
  }

  #servicesOf(process: Process, effect: () => void): WholeServices {
    return {
      process,
      world: process,
      between: (low, high) => this.world.between(low, high),
      started: (taskId, attempt) => {
        this.world.note(`${taskId.slice(-4)} runs, attempt ${attempt}`);
        const run = `${taskId} ${attempt}`;
        if (this.#runs.has(run)) this.#violation ??= new Violation(`${run} was started twice`);
        this.#runs.add(run);
      },
      goesOn: (taskId, isTold) => {
        this.#watched(() => {
          this.calledOff.goesOn(taskId, isTold);
        });
      },
      effect,
      effects: {
        run: (given) => this.#watched(() => this.effects.run(given)),
        got: (key, result) => {
          this.#watched(() => {
            this.effects.got(key, result);
          });
        },
      },
      ask: () => {
        if (this.#isDown) this.chaos.happened("outage");
        if (this.#isDown || this.chaos.strikes("refuses")) throw new DependencyDown("it is down");
      },
    };
  }

  #lovageOf(owner: string, submitter?: TaskSubmitter): Lovage {
    return new Lovage({
      ...{ registry: this.#registry, owner, clock: this.world, random: this.world },
      settings: { ...testSettings(SHARDS), idSecret: instantSecret(importIdSecret) },
      submitter: { submit: (specs) => (submitter ?? this.#submitter).submit(specs) },
    });
  }

  #openDirectory(): LedgerDirectory {
    const namespace = {
      idFromName: (name: string) => name,
      get: (name: string) => this.shards[shardOfName(name)]?.stub,
    };
    const limiters = {
      getByName: (name: string) => ({
        holders: async (key: string | null) => this.limiters.of(name).holders(key),
      }),
    };
    return new LedgerDirectory(
      namespace as unknown as DurableObjectNamespace<LedgerObject>,
      limiters as unknown as DurableObjectNamespace<LimiterObject>,
      this.history as unknown as History,
    );
  }

  /** Every half minute, for ever. */
  #watchdog(): void {
    this.world.after(WATCHDOG_MS, () => {
      for (const shard of this.shards) shard.network.tick(NO_CONTROLS).catch(() => undefined);
      if (this.world.now() % COMPARE_MS < WATCHDOG_MS) {
        for (const shard of this.shards) {
          this.#watched(() => {
            shard.compare();
          });
        }
      }
      this.#watchdog();
    });
  }

  /** Objects are evicted at any moment, not only around their commands. */
  #planDeaths(): void {
    const { world, options, shards } = this;
    if (options.faults.ledgerDies === 0) return;
    for (let deaths = world.between(5, 30); deaths > 0; deaths -= 1) {
      world.after(world.between(0, CHAOS_MS), () => {
        this.chaos.happened("ledgerDies");
        shards[world.between(0, SHARDS - 1)]?.die();
      });
    }
  }

  #planOutage(): void {
    const { world, options } = this;
    if (!world.chance(options.faults.outage)) return;
    world.after(world.between(0, CALLS_MS), () => {
      this.#isDown = true;
      world.after(30_000, () => {
        this.#isDown = false;
      });
    });
  }

  #planNoise(): void {
    const { world, options } = this;
    if (!world.chance(options.faults.noisy)) return;
    world.after(world.between(0, 10_000), () => {
      this.chaos.happened("noisy");
      this.workload.makeNoise();
    });
  }

  /** Whoever begins to consume from then on is of the new version, and whoever has begun goes on as the old one. */
  #planDeployment(): void {
    const { world, options } = this;
    if (!world.chance(options.faults.deployed)) return;
    world.after(world.between(20_000, CALLS_MS), () => {
      this.chaos.happened("deployed");
      this.#registry = newRegistry;
      for (const shard of this.shards) shard.die();
    });
  }

  #planLeaps(): void {
    const { world, options } = this;
    for (const shard of this.shards) {
      if (!world.chance(options.faults.clockLeaps)) continue;
      const ms = world.pick(LEAPS_MS);
      world.after(world.between(0, CHAOS_MS), () => {
        this.chaos.happened("clockLeaps");
        shard.leap(ms);
      });
    }
  }

  #planSwizzles(): void {
    const { world, options } = this;
    if (!world.chance(options.faults.swizzled)) return;
    for (let times = world.between(1, 3); times > 0; times -= 1) {
      const order = [...this.shards];
      const at = world.between(0, CHAOS_MS - 30_000);
      for (const shard of order) {
        world.after(at + world.between(0, 10_000), () => {
          this.chaos.happened("swizzled");
          shard.consumers.stop();
        });
        world.after(at + world.between(11_000, 25_000), () => {
          shard.consumers.start();
        });
      }
    }
  }

  #watched<T>(look: () => T): T {
    try {
      return look();
    } catch (error) {
      if (error instanceof Violation) this.#violation ??= error;
      throw error;
    }
  }
}

/** Whether consumers that live reach their ledger at every try. */
function isReachable(faults: WholeFaults): boolean {
  const { requestLost, answerLost, callLate, consumerFreezes, deployed } = faults;
  const { ledgerDies, diesAtStatement, statementFails } = faults;
  const calls = requestLost + answerLost + callLate + consumerFreezes;
  return calls + deployed + ledgerDies + diesAtStatement + statementFails === 0;
}

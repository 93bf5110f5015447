import type { FinishedTask } from "#engine";
import { DEFAULT_DRAIN_LIMITS } from "#platform/consumer/drain.ts";
import { DEFAULT_LEDGER_SETTINGS, type LedgerSettings } from "#platform/ledger/protocol.ts";
import { ENDS, registry, RETRIES, type Params, type SimServices } from "./behaviours.ts";
import { Chaos } from "./chaos.ts";
import { Clients } from "./clients.ts";
import { Consumers } from "./consumers.ts";
import { NO_FAULTS, type Faults } from "./faults.ts";
import { checkFigures } from "./figures.ts";
import { SimHistory } from "./history.ts";
import { KEPT_DAYS, LedgerHost } from "./host.ts";
import { Network } from "./network.ts";
import { Oracle } from "./oracle.ts";
import { overseenBy } from "./overseer.ts";
import { borrowLedgerStorage, giveLedgerStorageBack } from "./ledger-storage.ts";
import type { ModelTask } from "./model.ts";
import type { LedgerPorts } from "#platform/ledger/ports.ts";
import type { Process } from "./process.ts";
import { SimSql } from "../../src/testing/sim-sql.ts";
import { Tripwire } from "./tripwire.ts";
import { Violation } from "./violation.ts";
import { World } from "../../src/testing/world.ts";
import { NO_LARGE_RESULTS } from "../no-large.ts";

/** Faults happen for this long; the clients' last call is at 160 s. */
const CHAOS_MS = 120_000;
/**
 * Calm after which everything has ended, clocks that went back aside: the last call, 90 s of countdown, the last
 * late bell, a poison task's three leases, each after a stall, and retries.
 */
const CALM_MS = 600_000;
/** By so much a task may be due later where the ledger's clock went back. */
const CLOCK_MS = 1_200_000;
const WATCHDOG_MS = 30_000;
/** A day, and by what the clock may have been ahead. */
const DAY_MS = 86_400_000 + CLOCK_MS;

const UNLIMITED: Pick<LedgerPorts, "shard" | "limits" | "limitsOf" | "keyOf"> = {
  shard: 0,
  limits: { ask: () => Promise.reject(new Error("nothing is limited here")) },
  limitsOf: () => null,
  keyOf: () => null,
};

export interface SimulationOptions {
  readonly faults?: Faults;
  readonly tripwire?: Tripwire;
  /** The object finds its tables; by default it is new, and makes them. */
  readonly hasTables?: boolean;
  /** Tasks that the ledger keeps in memory; more are parked. */
  readonly laneCapacity?: number;
  /** Tasks that one consumer runs at once; null: as deployed. */
  readonly maxRunning?: number | null;
  /** What clients do; by default a random minute of it. */
  readonly plan?: (parts: { clients: Clients; world: World; host: LedgerHost }) => void;
  /** The faults that never stop; by default all do after two minutes. */
  readonly lasting?: Faults;
}

/**
 * One history: the real ledger, the real consumers, and around them a simulated world in which all that
 * may fail does, from one seed. It ends when everything has ended, or with the first promise broken.
 */
export class Simulation {
  readonly world: World;
  readonly oracle: Oracle;
  readonly host: LedgerHost;
  readonly consumers: Consumers<SimServices>;
  readonly history: SimHistory;
  readonly #faults: Faults;
  readonly #chaos: Chaos<Faults>;
  readonly #lasting: Faults;
  readonly #hasTables: boolean;
  readonly #sql: SimSql;
  #violation: Violation | null = null;

  constructor(seed: number, options: SimulationOptions = {}) {
    const { faults = NO_FAULTS, tripwire = new Tripwire(), hasTables = false } = options;
    this.#hasTables = hasTables;
    this.#sql = hasTables ? borrowLedgerStorage() : new SimSql();
    const world = new World(seed);
    const settings: LedgerSettings = {
      ...DEFAULT_LEDGER_SETTINGS,
      laneCapacity: options.laneCapacity ?? world.pick([2, 20_000, 20_000]),
      maxUnflushed: world.pick([3, 50_000, 50_000]),
    };
    const watched = <T>(look: () => T) => this.#watched(look);
    const oracle = new Oracle(this.#sql, settings, seed);
    this.world = world;
    this.oracle = oracle;
    this.#faults = faults;
    const chaos = new Chaos(world, faults);
    this.#chaos = chaos;
    this.#lasting = options.lasting ?? NO_FAULTS;
    this.history = new SimHistory(
      world,
      chaos,
      (id, text) => {
        oracle.kept(id, text);
      },
      tripwire,
      watched,
    );
    this.host = new LedgerHost({
      world,
      chaos,
      settings,
      sql: this.#sql,
      history: this.history,
      overseer: overseenBy(oracle, {
        history: this.history,
        watchMs: settings.watchMs,
        watched,
      }),
      limiting: UNLIMITED,
      tripwire,
      ring: (queue) => this.consumers.ring(queue),
      runDirectly: (queue) => this.consumers.runDirectly(queue),
      watched,
      fail: (what) => {
        this.#violation ??= new Violation(what);
      },
    });
    const network = new Network(world, chaos, this.host);
    const { maxRunning = world.pick([1, 3, null, null]) } = options;
    this.consumers = new Consumers({
      world,
      chaos,
      ledger: network,
      tripwire,
      registry,
      suppliesOf: (process) => ({
        services: this.#servicesOf(process),
        largeResults: NO_LARGE_RESULTS,
        lovageFor: () => {
          throw new Error("These tasks call no others.");
        },
      }),
      limits:
        maxRunning === null
          ? DEFAULT_DRAIN_LIMITS
          : { maxRunning, maxWide: maxRunning, budgetMs: 1_000 },
      bellDied: () => undefined,
    });
    const clients = new Clients(world, network, this.history, oracle, watched, (spec) =>
      this.consumers.submitToRun(spec, network),
    );
    if (options.plan === undefined) clients.plan(faults);
    else options.plan({ clients, world, host: this.host });
    if (faults.ledgerDies > 0) this.#planDeaths();
    if (faults.alarmDropped > 0) this.#watchdog(network);
  }

  /** How often each fault really happened, by its name. */
  get happened(): Readonly<Record<string, number>> {
    const tasks = [...this.oracle.model.tasks.values()];
    const poison = tasks.filter(
      ({ spec }) => (JSON.parse(spec.kwargs) as Params).kind === "poison",
    );
    return { ...this.#chaos.counts, poison: poison.length };
  }

  /** Runs the history, then calm, and checks that everything came to its end. */
  async run(): Promise<void> {
    const start = this.world.now();
    await this.#until(start + CHAOS_MS, () => false);
    this.world.note("all is calm");
    this.#chaos.faults = this.#lasting;
    const late = this.#faults.clockJumps > 0 ? CLOCK_MS : 0;
    await this.#until(start + CHAOS_MS + 50_000, () => false);
    await this.#until(start + CHAOS_MS + CALM_MS + late, () => this.#isDone());
    // One more alarm, after which an idle ledger keeps nothing and has nothing to do.
    await this.#until(this.world.now() + 2 * WATCHDOG_MS + late, () => false);
    this.#watched(() => {
      this.#checkEnd();
    });
    this.#checkDayAfter();
    if (this.#hasTables) giveLedgerStorageBack(this.#sql);
    else this.#sql.close();
  }

  #servicesOf(process: Process): SimServices {
    const { world, oracle } = this;
    return {
      process,
      between: (low, high) => world.between(low, high),
      started: (taskId, attempt) => {
        world.note(`${taskId.slice(-4)} runs, attempt ${attempt}`);
        this.#watched(() => {
          oracle.started(taskId, attempt);
        });
      },
      goesOn: () => undefined,
      effect: () => {
        this.consumers.mayFail(process);
      },
      effects: {
        run: (effect) => this.#watched(() => oracle.effects.run(effect)),
        got: (key, result) => {
          this.#watched(() => {
            oracle.effects.got(key, result);
          });
        },
      },
    };
  }

  async #until(time: number, isDone: () => boolean): Promise<void> {
    while (!isDone() && (await this.world.step(time))) {
      if (this.#violation !== null) throw this.#violation;
    }
  }

  #isDone(): boolean {
    if (this.oracle.model.live.size > 0) return false;
    return this.host.quietly((ledger) => ledger.stats().unflushed) === 0;
  }

  #checkEnd(): void {
    this.host.check();
    const { model } = this.oracle;
    const [stuck] = model.live.values();
    if (stuck !== undefined) {
      throw new Violation(`${model.live.size} tasks never ended: ${stuck.spec.id}`);
    }
    for (const [id, task] of model.tasks) {
      if (this.history.rows.get(id) !== task.text) throw new Violation(`${id} is not in D1`);
      this.#checkReason(task);
    }
    this.host.quietly((ledger) => {
      const ended = Array.from(
        this.history.rows.values(),
        (text) => JSON.parse(text) as FinishedTask,
      );
      checkFigures(ledger, ended);
    });
    this.oracle.events.check();
    const live = this.#sql.peek("SELECT id FROM tasks").length;
    const unsent = this.#sql.peek(
      "SELECT slot FROM finished WHERE seq > (SELECT max(flushed_seq) FROM finished)",
    ).length;
    const steps = this.#sql.peek("SELECT idx FROM steps").length;
    if (steps > 0) throw new Violation(`${steps} steps are left`);
    if (live + unsent > 0) throw new Violation(`${live}, ${unsent} rows are left`);
    if (this.host.alarm.at !== null && this.#faults.alarmDropped === 0) {
      throw new Violation("an idle ledger has an alarm set");
    }
  }

  /** What D1 has had for a day is gone, but for the row that the next start goes on from. */
  #checkDayAfter(): void {
    this.host.leap(DAY_MS);
    this.host.quietly((ledger) => {
      ledger.tidy(KEPT_DAYS);
    });
    const rows = this.#sql.peek<{ tasks: string }>("SELECT tasks FROM finished");
    const isClean = rows.length <= 1 && rows.every(({ tasks }) => tasks === "[]");
    if (!isClean) throw new Violation(`${rows.length} rows of ended tasks are left after a day`);
  }

  /** It ended as its handler says, unless it was called off or lost its consumers. */
  #checkReason({ spec, end, soloLosses, retries, claims, losses }: ModelTask): void {
    const { kind } = JSON.parse(spec.kwargs) as Params;
    const [state, excType] = ENDS[kind];
    const isLost = end?.excType === "WorkerLostError";
    const isFrozen = this.#faults.consumerFreezes > 0 || this.#faults.callLate > 0;
    const mayDiffer = end?.state === "REVOKED" || isLost || isFrozen;
    if (!mayDiffer && (end?.state !== state || end.excType !== excType)) {
      throw new Violation(`${spec.id} (${kind}) ended as ${end?.state}, ${end?.excType}`);
    }
    if (!mayDiffer && retries !== RETRIES[kind]) {
      throw new Violation(`${spec.id} (${kind}) was retried ${retries} times`);
    }
    if (isLost !== soloLosses >= 3) throw new Violation(`${spec.id}: ${soloLosses} solo losses`);
    if (kind === "poison" && end?.state === "SUCCESS") throw new Violation(`${spec.id} lived`);
    if (retries > 3 || claims > 1 + retries + losses) {
      throw new Violation(`${spec.id}: ${claims} claims, ${retries} retries, ${losses} losses`);
    }
    const isOnlyPoison = Object.values(this.#faults).filter((chance) => chance > 0).length <= 1;
    if (isLost && isOnlyPoison && this.#faults.poison > 0 && kind !== "poison") {
      throw new Violation(`${spec.id} (${kind}) is innocent`);
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

  /** The object is evicted at any moment, not only around its commands. */
  #planDeaths(): void {
    for (let deaths = this.world.between(0, 6); deaths > 0; deaths -= 1) {
      this.world.after(this.world.between(0, CHAOS_MS), () => {
        this.host.die();
      });
    }
  }

  /** Beat, which ticks every ledger: needed only where alarms are dropped for good. */
  #watchdog(network: Network): void {
    this.world.after(WATCHDOG_MS, () => {
      network.tick().catch(() => undefined);
      this.#watchdog(network);
    });
  }
}

import type { FinishedTask, Registry } from "#engine";
import { DEFAULT_DRAIN_LIMITS, type DrainLimits } from "#platform/consumer/drain.ts";
import type { AttemptSupplies } from "#platform/consumer/running.ts";
import { DEFAULT_LEDGER_SETTINGS } from "#platform/ledger/protocol.ts";
import type { LimitsPort, Nudge } from "#platform/limiter/protocol.ts";
import { SimSql } from "../../../src/testing/sim-sql.ts";
import type { World } from "../../../src/testing/world.ts";
import type { Chaos } from "../chaos.ts";
import { Consumers } from "../consumers.ts";
import type { EffectBook } from "../effect-book.ts";
import type { SimHistory } from "../history.ts";
import { checkFigures } from "../figures.ts";
import { LedgerHost } from "../host.ts";
import { Network } from "../network.ts";
import type { Process } from "../process.ts";
import { Tripwire } from "../tripwire.ts";
import type { WholeFaults } from "./faults.ts";
import type { Places } from "./places.ts";
import { ShardReferee } from "./referee.ts";
import type { Records } from "./task-records.ts";
import type { WholeServices } from "./tasks.ts";

export interface WholeShardParts {
  readonly shard: number;
  readonly world: World;
  readonly chaos: Chaos<WholeFaults>;
  readonly history: SimHistory;
  /** Of the version that is deployed now. */
  readonly registry: () => Registry<WholeServices>;
  readonly records: Records;
  readonly places: Places;
  readonly effects: EffectBook;
  readonly limits: LimitsPort;
  /** @param effect is called where a handler has just made an effect */
  readonly suppliesOf: (process: Process, effect: () => void) => AttemptSupplies<WholeServices>;
  readonly watched: <T>(look: () => T) => T;
  readonly fail: (what: string) => void;
}

const FEW: DrainLimits = { maxRunning: 20, maxWide: 20, budgetMs: 1_000 };

/** One shard of a deployment: its ledger, the way to it, its queue's consumers, and who looks after them. */
export class WholeShard {
  readonly referee: ShardReferee;
  readonly network: Network;
  readonly consumers: Consumers<WholeServices>;
  readonly #host: LedgerHost;
  readonly #sql = new SimSql();

  constructor(parts: WholeShardParts) {
    const { shard, world, chaos, history, registry, limits, watched, fail } = parts;
    const tripwire = new Tripwire();
    const settings = {
      ...DEFAULT_LEDGER_SETTINGS,
      laneCapacity: world.pick([20, 20_000, 20_000]),
      maxUnflushed: world.pick([100, 50_000, 50_000]),
    };
    this.referee = new ShardReferee({
      ...parts,
      sql: this.#sql,
      watchMs: settings.watchMs,
      isClockUnsteady: chaos.faults.clockJumps + chaos.faults.clockLeaps > 0,
    });
    this.#host = new LedgerHost({
      ...{ world, chaos, settings, sql: this.#sql, history, tripwire, watched, fail },
      overseer: this.referee,
      limiting: {
        ...{ shard, limits },
        limitsOf: (name) => registry().find(name)?.limits ?? null,
        keyOf: (name, kwargs) => registry().keyOf(name, kwargs),
      },
      ring: (queue) => this.consumers.ring(queue),
      runDirectly: (queue) => this.consumers.runDirectly(queue),
    });
    this.network = new Network(world, chaos, this.#host);
    this.consumers = new Consumers({
      ...{ world, chaos, tripwire },
      get registry() {
        return registry();
      },
      ledger: this.network,
      suppliesOf: (process) =>
        parts.suppliesOf(process, () => {
          this.consumers.mayFail(process);
          if (chaos.strikes("diesAfterEffect")) process.die();
        }),
      limits: world.pick([FEW, DEFAULT_DRAIN_LIMITS, DEFAULT_DRAIN_LIMITS]),
      bellDied: () => {
        // What the consumer of the dead-letter queue does.
        chaos.happened("bellDied");
        this.network.tick().catch(() => undefined);
      },
    });
  }

  /** What the Worker reaches of it. */
  get stub() {
    return this.network;
  }

  /** D1 has all that ended here, as far as it knows. */
  get isFlushed(): boolean {
    return this.#host.quietly((ledger) => ledger.stats().unflushed) === 0;
  }

  /** Compares all that the ledger has with what its referee knows. */
  compare(): void {
    this.#host.quietly((ledger) => {
      this.referee.compare(ledger);
    });
  }

  /** All that ever ended here was counted, once. */
  checkFigures(tasks: readonly FinishedTask[]): void {
    this.#host.quietly((ledger) => {
      checkFigures(ledger, tasks);
    });
  }

  /** Alarms that went off. */
  get alarms(): number {
    return this.#host.alarms;
  }

  nudge(name: string, nudge: Nudge): Promise<void> {
    return this.#host
      .execute({ kind: "nudge" }, (ledger) => {
        ledger.nudge(name, nudge);
      })
      .catch(() => undefined);
  }

  die(): void {
    this.#host.die();
  }

  /** The clock of its machine goes on by so much. */
  leap(ms: number): void {
    this.#host.leap(ms);
  }

  close(): void {
    this.#sql.close();
  }
}

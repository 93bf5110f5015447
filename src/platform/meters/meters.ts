import type { BeatMeter, DeploymentMeters, MeterReading } from "#engine";
import { available } from "../ledger/directory.ts";
import type { ShardStats } from "../health/health.ts";

/** What a limiter says of itself. */
interface LimiterStats {
  readonly rows: number;
  readonly requests: number;
  readonly running: number;
}

interface Parts {
  /** In the order of their numbers. Asked for with every use, as the next two: what answers belongs to the request. */
  readonly shards: () => readonly { stats(): Promise<ShardStats> }[];
  readonly limiter: (name: string) => { stats(): Promise<LimiterStats> };
  readonly beat: () => { meter(): Promise<BeatMeter> };
  /** Names of tasks that are declared with limits: only these have a limiter, unless an operator limited others. */
  readonly limited: readonly string[];
}

/** See `DeploymentMeters`. */
export class Meters implements DeploymentMeters {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async read(): Promise<MeterReading> {
    const { shards, limiter, beat, limited } = this.#parts;
    const [ledgers, limiters, beatMeter] = await Promise.all([
      Promise.all(shards().map((shard) => available(shard.stats()))),
      Promise.all(limited.map((name) => available(limiter(name).stats()))),
      available(beat().meter()),
    ]);
    const ofLedgers = ledgers.map(({ ledgerRows, historyRows, requests, bells }, shard) => ({
      ...{ object: `ledger ${shard}`, objectRows: ledgerRows, databaseRows: historyRows },
      ...{ requests, doorbells: bells },
    }));
    const ofLimiters = limiters.map(({ rows, requests }, at) => ({
      ...{ object: `limiter ${limited[at]}`, objectRows: rows, databaseRows: 0 },
      ...{ requests, doorbells: 0 },
    }));
    return {
      usage: [...ofLedgers, ...ofLimiters],
      unflushed: ledgers.reduce((sum, { unflushed }) => sum + unflushed, 0),
      running: new Map(limited.map((name, at) => [name, limiters[at]?.running ?? 0])),
      beat: beatMeter,
    };
  }
}
